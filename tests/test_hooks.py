"""One commit for a run and for those that build on it."""

import logging

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from mayo_kedro.hooks import VERSION, DataVersionHooks, SummaryHooks
from mayo_kedro.streaming.revisions import forget_pins, pin, resolve

HOST, NAME, BRANCH = "https://dagshub.example", "ann/leaves", "main"
OLD, NEW = "a" * 40, "b" * 40
RECORDED = {"host": HOST, "repository": NAME, "branch": BRANCH, "commit": OLD}

LATER = Pipeline([Node(lambda table: table, "splits", "models", name="train_node")])
FROM_THE_SOURCE = Pipeline([Node(lambda source: source, "data_source", VERSION, name="record_node")])


@pytest.fixture(autouse=True)
def _no_pins():
    forget_pins()
    yield
    forget_pins()


def begin_run(pipeline: Pipeline, recorded: dict[str, str] | None = RECORDED) -> str:
    """The commit that the branch means once the run has begun; its tip is NEW."""
    catalog = DataCatalog({VERSION: MemoryDataset(recorded)} if recorded else {})
    DataVersionHooks().before_pipeline_run(pipeline, catalog)
    return resolve(HOST, NAME, BRANCH, lambda: NEW)


def test_a_run_that_builds_on_another_reads_the_same_commit_and_says_so(caplog):
    with caplog.at_level(logging.INFO):
        assert begin_run(LATER) == OLD
    assert f"Reading {NAME} at commit {OLD[:10]}, as the data processing did." in caplog.text


def test_a_run_that_begins_with_the_source_reads_the_tip_and_what_an_earlier_run_pinned_is_forgotten():
    pin(HOST, NAME, BRANCH, OLD)
    assert begin_run(FROM_THE_SOURCE) == NEW


@pytest.mark.parametrize("recorded", [None, {**RECORDED, "commit": ""}])
def test_without_a_recorded_commit_the_tip_is_read(recorded):
    assert begin_run(LATER, recorded) == NEW


def test_another_repository_in_the_settings_is_not_pinned():
    begin_run(LATER)
    assert resolve(HOST, "bob/roots", BRANCH, lambda: NEW) == NEW


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("predictor", "Models: data/06_models/\n  Next: `kedro run --pipeline reporting` judges them."),
        ("fold_0_model", ""),
    ],
)
def test_a_training_says_what_judges_it_and_a_job_of_one_fold_does_not(caplog, made, told):
    trained = Pipeline([Node(lambda table: table, "splits", made, name="train_node")])
    with caplog.at_level(logging.INFO):
        SummaryHooks().after_pipeline_run(trained, DataCatalog())
    assert (told in caplog.text) if told else not caplog.records
