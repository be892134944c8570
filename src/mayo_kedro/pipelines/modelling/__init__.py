"""Splits and streamed images to trained networks and their predictions on the held-out folds."""

from mayo_kedro.pipelines.modelling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
