"""A search within a fold: what it chooses, that it never sees the fold, and that it goes on."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from mayo_kedro.datasets.checkpoints_dataset import Checkpoints
from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.devices import open_devices
from mayo_kedro.pipelines.modelling.epochs import Diverged
from mayo_kedro.pipelines.modelling.folds import split_fold
from mayo_kedro.pipelines.modelling.nodes import summarise_training, train_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import open_pixels
from mayo_kedro.pipelines.modelling.search import choose, search_settings
from mayo_kedro.pipelines.modelling.search_record import Outcome, Trial
from mayo_kedro.pipelines.modelling.training import Training
from mayo_kedro.sandbox.weights import export_weights

from .conftest import EventList, draw, draw_images, encode

PARAMETERS = ModellingParameters(
    image_size=32,
    batch_size=4,
    frozen_epochs=1,
    fine_tune_epochs=0,
    validation_share=0.25,
    folds=0,
    search={
        "trials": 2,
        "space": {
            "frozen_learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
            "dropout": {"low": 0, "high": 0.5},
        },
    },
)


class SearchEvents(EventList):
    """Keeps what a search tells, and ends it at a batch of a trial.

    Args:
        end_at: number of the trial and of the batch.
        error: ends it there.
    """

    def __init__(self, end_at=None, error=KeyboardInterrupt) -> None:
        super().__init__()
        self.trials: list[tuple] = []
        self.ended: list[tuple] = []
        self.adopted: list[str] = []
        self._end_at, self._error, self._number = end_at, error, None

    @contextmanager
    def open_trial(self, fold, number, trials, settings, run):
        self.trials.append((fold, number, trials, settings, run))
        self._number, self.tracked_run = number, run or f"run of trial {number}"
        yield self
        self._number, self.tracked_run = None, EventList.tracked_run

    def trial_ended(self, outcome, loss) -> None:
        self.ended.append((self._number, outcome, loss))

    def adopt_trials(self, runs) -> None:
        self.adopted += runs

    def batch_ended(self, *event) -> None:
        super().batch_ended(self._number, *event)
        if self._end_at == (self._number, event[3]):
            raise self._error


class Weights:
    name = "efficientnet_lite0.h5"

    def __init__(self, folder) -> None:
        self.path = folder / self.name


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    export_weights(folder)
    return Weights(folder)


@pytest.fixture(scope="module")
def run_search(splits, columns, weights, module_images):
    def search(monitor, checkpoints, table=splits, images=module_images, parameters=PARAMETERS):
        pixels = open_pixels(images, table["image"].tolist(), 32, 1)
        training = Training(
            parameters,
            columns.ordered_classes,
            pixels,
            weights,
            monitor,
            checkpoints,
            open_devices("auto"),
        )
        members = [
            split_fold(table, 0, columns, parameters.of_member(number))
            for number in range(parameters.search.networks)
        ]
        return search_settings(training, members)

    return search


@pytest.fixture(scope="module")
def trained(splits, columns, weights, module_images, tmp_path_factory):
    """What a node with a search gives, its monitor, and the folder of its checkpoints."""
    folder, monitor = tmp_path_factory.mktemp("checkpoints"), SearchEvents()
    checkpoints = Checkpoints(folder)
    files = {weights.name: weights}
    made = train_fold(
        splits, module_images, files, columns, PARAMETERS, monitor, checkpoints, fold=0, folds=(0,)
    )
    kept = sorted(path.name for path in folder.iterdir())
    checkpoints.remove_finished()
    return made, monitor, kept, list(folder.iterdir())


def described(trials):
    told = ("number", "settings", "outcome", "loss")
    return [{name: getattr(trial, name) for name in told} for trial in trials]


def test_the_best_settings_are_those_the_network_is_trained_with(trained):
    """A trial has here the epochs, seed and patients of the training: one is the other, bit for bit."""
    (_, history, *_, summary), monitor, *_ = trained
    found = summary["search"]
    losses = [trial["loss"] for trial in found["trials"]]
    assert found["loss"] == min(losses) == history["val_loss"].min()
    assert len(set(losses)) == 2
    assert found["settings"] == found["trials"][found["best_trial"] - 1]["settings"]
    configured = {"frozen_learning_rate": PARAMETERS.frozen_learning_rate, "dropout": PARAMETERS.dropout}
    assert found["trials"][0]["settings"] == configured
    assert monitor.trials == [(0, trial["number"], 2, trial["settings"], None) for trial in found["trials"]]
    assert monitor.ended == [(trial["number"], "finished", trial["loss"]) for trial in found["trials"]]


def test_all_its_checkpoints_go_once_the_results_are_saved(trained):
    _, _, before, after = trained
    assert before == ["fold_0_search", "fold_0_seed_1"]
    assert after == []


def test_the_summary_of_the_run_tells_the_choice_of_each_fold(trained):
    summary = trained[0][-1]
    told = summarise_training(PARAMETERS, (summary, summary | {"fold": 1, "search": None}))["search"]
    assert told == {"fold_0": summary["search"] | {"trials": 2}}


def test_what_is_held_out_has_no_part_in_it(trained, run_search, splits, checkpoints, tmp_path):
    """Other labels and other images there: the same trials and the same choice, bit for bit."""
    (tmp_path / "poisoned").mkdir()
    images = draw_images(splits, tmp_path / "poisoned")
    poisoned, held_out = splits.copy(), splits["fold"] == 0
    poisoned.loc[held_out, "int_labels"] = 1 - splits.loc[held_out, "int_labels"]
    for seed, image in enumerate(splits["image"][held_out]):
        images.files[image] = encode(draw(140, 900 + seed, 32))
    found = run_search(SearchEvents(), checkpoints, poisoned, images)
    assert described(found.trials) == trained[0][-1]["search"]["trials"]
    chosen = PARAMETERS.with_settings(trained[0][-1]["search"]["settings"])
    assert found.parameters == chosen
    assert not np.array_equal(poisoned["int_labels"], splits["int_labels"])


@pytest.mark.slow
def test_after_ctrl_c_it_goes_on_within_the_same_trial(trained, run_search, checkpoints):
    parameters = PARAMETERS.model_copy(update={"checkpoint_minutes": 0})
    first = SearchEvents(end_at=(2, 1))
    with pytest.raises(KeyboardInterrupt):
        run_search(first, checkpoints, parameters=parameters)
    again = SearchEvents()
    found = run_search(again, checkpoints, parameters=parameters)
    assert described(found.trials) == trained[0][-1]["search"]["trials"]
    assert again.adopted == ["run of trial 1"]
    assert [trial[1::3] for trial in again.trials] == [(2, "run of trial 2")]
    told = [event[4] for event in first.batches if event[0] == 2]
    # The batch at which it was ended had not been saved yet; no other is done again.
    assert told + [event[4] for event in again.batches] == [0, 1, 1, 2]


@pytest.mark.slow
def test_trials_that_diverge_are_not_chosen_and_end_nothing_but_themselves(run_search, checkpoints):
    monitor = SearchEvents(end_at=(1, 0), error=Diverged("The loss is no number.", "Lower the rate."))
    search = PARAMETERS.search.model_copy(update={"trials": 1})
    with pytest.raises(UserError, match="None of the 1 trials for fold 0") as raised:
        run_search(monitor, checkpoints, parameters=PARAMETERS.model_copy(update={"search": search}))
    assert "modelling.search.space" in raised.value.remedy
    assert monitor.ended == [(1, "diverged", None)]


def test_of_equal_trials_the_first_is_chosen():
    pruned = Trial(1, {}, Outcome.PRUNED, None, [0.1], None)
    trials = [replace(pruned, number=2, loss=0.5), replace(pruned, number=3, loss=0.5)]
    assert choose([pruned, *trials, replace(pruned, number=4, loss=0.6)], 0).number == 2


@pytest.mark.slow
def test_of_several_networks_the_mean_loss_counts(run_search, trained, checkpoints):
    search = PARAMETERS.search.model_copy(update={"networks": 2, "trials": 1})
    monitor = SearchEvents()
    found = run_search(monitor, checkpoints, parameters=PARAMETERS.model_copy(update={"search": search}))
    losses = [event[4]["val_loss"] for event in monitor.epochs]
    assert [event[1:4] for event in monitor.epochs] == [("frozen", 0, 2), ("frozen", 1, 2)]
    assert losses[0] == trained[0][-1]["search"]["trials"][0]["loss"]
    assert losses[0] != losses[1]
    assert found.best.loss == (losses[0] + losses[1]) / 2
