"""The label table to checked, labelled rows, and to folds that keep each patient on one side."""

from mayo_kedro.pipelines.data_processing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
