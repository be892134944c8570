"""Leaving one centre out, from the command line to the folds."""

import pandas as pd
import pytest


@pytest.mark.slow
def test_each_centre_of_the_sample_is_a_fold(project) -> None:
    by_centre = "data_processing.split.method=by_centre"
    command = ("run", "--pipelines", "data_processing", "--params")
    refused = project.kedro(*command, by_centre)
    assert refused.returncode != 0
    assert "has 11 centres" in " ".join((refused.stdout + refused.stderr).split())
    done = project.kedro(*command, f"{by_centre},data_processing.split.folds=11")
    assert done.returncode == 0, done.stderr
    splits = pd.read_csv(project.path / "data/05_model_input/splits.csv", dtype=str)
    assert (splits.groupby("centre")["fold"].nunique() == 1).all()
    assert (splits.groupby("fold")["centre"].nunique() == 1).all()
    assert splits["fold"].nunique() == 11
    assert (splits.groupby("fold")["label"].nunique() == 2).all()
