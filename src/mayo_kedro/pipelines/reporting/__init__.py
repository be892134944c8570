"""Held-out predictions to metrics with intervals, figures, a report and what is published."""

from mayo_kedro.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
