"""Which folds get a node, from the configuration and the command line."""

import pytest
from kedro.framework.project import configure_project, pipelines
from kedro.framework.session import KedroSession

from mayo_kedro.selected_folds import find_selected_folds


@pytest.mark.parametrize(
    ("parameters", "folds"),
    [
        ({}, (0, 1, 2, 3, 4)),
        ({"modelling": {"folds": 3}}, (3,)),
        ({"modelling": {"folds": [2, 0]}}, (2, 0)),
        ({"modelling": {"folds": "all"}}, (0, 1, 2, 3, 4)),
        ({"modelling": {"folds": "all"}, "data_processing": {"split": {"folds": 3}}}, (0, 1, 2)),
        ({"modelling": {"folds": "none"}}, (0,)),
        ({"modelling": {"folds": "all", "misspelt": 1}}, (0,)),
        ({"modelling": None}, (0,)),
    ],
)
def test_folds_of_the_parameters(parameters, folds):
    assert find_selected_folds(parameters) == folds


def test_every_context_has_the_nodes_of_its_own_parameters(project, monkeypatch):
    monkeypatch.chdir(project.path)
    configure_project("mayo_kedro")
    every = {0, 1, 2, 3, 4}
    for given, folds in [({}, every), ({"folds": 0}, {0}), ({"folds": [3]}, {3}), ({}, every)]:
        session = KedroSession.create(project.path, runtime_params={"modelling": given})
        session.load_context()
        for name in ("modelling", "__default__"):
            sent = pipelines[name].only_nodes_with_tags("gpu").nodes
            assert {node.name for node in sent} >= {f"train_fold_{fold}_node" for fold in folds}
            assert sum(node.name.startswith("train_fold") for node in sent) == len(folds)


@pytest.mark.slow
@pytest.mark.parametrize(("include_hooks", "folds"), [(False, {0}), (True, {0, 1, 2, 3, 4})])
def test_kedro_viz_draws_the_first_fold_and_with_hooks_all(project, include_hooks, folds):
    code = (
        "from pathlib import Path; from kedro_viz.integrations.kedro.data_loader import load_data;"
        f"_, pipelines, _ = load_data(Path.cwd(), include_hooks={include_hooks});"
        "print(*(node.name for node in pipelines['__default__'].nodes))"
    )
    drawn = project.python("-c", code)
    assert drawn.returncode == 0, drawn.stderr
    names = {name for name in drawn.stdout.split() if name.startswith("train_fold")}
    assert names == {f"train_fold_{fold}_node" for fold in folds}


@pytest.mark.slow
def test_the_command_line_selects_folds(project):
    """Kedro looks for the nodes before it reads or trains anything."""
    arguments = ("run", "--pipelines", "modelling", "--nodes", "train_fold_4_node")
    chosen = project.kedro(*arguments)
    assert "splits" in chosen.stdout + chosen.stderr
    assert "train_fold_4_node" not in chosen.stderr.splitlines()[-1]
    unchosen = project.kedro(*arguments, "--params", "modelling.folds=0")
    assert "train_fold_4_node" in unchosen.stderr
