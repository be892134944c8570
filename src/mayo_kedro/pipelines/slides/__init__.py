"""Whole slides in TIFF to images that can be trained on, and a table that tells where each comes from."""

from mayo_kedro.pipelines.slides.pipeline import create_pipeline

__all__ = ["create_pipeline"]
