"""The pipelines by name."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from mayo_kedro.selected_folds import selected_folds

BY_NAME_ONLY = ("prediction", "slides")
"""Pipelines that run for some images or for a data set, not with every training."""

RECORDS = ("data_version", "split_summary")
"""What the data processing notes for those that build on it."""


def register_pipelines() -> dict[str, Pipeline]:
    """Find the pipelines below `pipelines/`; the default one is all of them but those `BY_NAME_ONLY`."""
    pipelines = find_pipelines(raise_errors=True)
    if "modelling" in pipelines:
        pipelines["modelling"] = _make_modelling()
    by_name_only = ("__default__", *BY_NAME_ONLY)  # Kedro's own default has all of them
    usual = [pipeline for name, pipeline in pipelines.items() if name not in by_name_only]
    pipelines["__default__"] = sum(usual, start=Pipeline([]))
    return pipelines


def _make_modelling() -> Pipeline:
    """The training of the selected folds, between the steps that make its input and use its outcome."""
    # Only where it is asked for.
    from mayo_kedro.pipelines import data_processing, modelling, prediction  # noqa: PLC0415

    training = modelling.create_pipeline(folds=selected_folds())
    processing = data_processing.create_pipeline()
    made = processing.all_outputs() & training.inputs()
    return processing.to_outputs(*made, *RECORDS) + training + prediction.create_gathering_pipeline()
