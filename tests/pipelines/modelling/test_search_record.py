import math

import pytest

from mayo_kedro.pipelines.modelling.devices import open_devices
from mayo_kedro.pipelines.modelling.search_record import Outcome, SearchRecord, Trial

TRIALS = [
    Trial(1, {"dropout": 0.1, "unfreeze": "all"}, Outcome.FINISHED, 0.1 + 0.2, [1 / 3, 0.1 + 0.2], "abc"),
    Trial(2, {"dropout": 0.3, "unfreeze": 2}, Outcome.PRUNED, None, [2 / 3], None),
    Trial(3, {"dropout": 0.2, "unfreeze": 1}, Outcome.DIVERGED, None, [], "def"),
]


@pytest.fixture
def open_record(checkpoints):
    return lambda fingerprint="this": SearchRecord(checkpoints["search"], fingerprint, open_devices("auto"))


@pytest.mark.parametrize("count", range(4))
def test_a_search_that_goes_on_knows_every_trial_to_the_last_bit(open_record, count):
    record = open_record()
    for trial in TRIALS[:count]:
        record.begin(trial.run)
        record.add(trial)
    again = open_record()
    assert again.trials == TRIALS[:count]
    assert again.run is None
    assert all(type(trial.outcome) is Outcome for trial in again.trials)


def test_it_knows_under_which_run_the_interrupted_trial_is_tracked(open_record):
    record = open_record()
    record.add(TRIALS[0])
    record.begin("f00d")
    assert (open_record().run, open_record().trials) == ("f00d", TRIALS[:1])


def test_it_is_that_of_this_search_only(open_record):
    open_record().add(TRIALS[0])
    assert open_record("another").trials == []


def test_a_loss_that_is_no_number_comes_back(open_record):
    open_record().add(Trial(1, {}, Outcome.DIVERGED, None, [math.nan, math.inf], None))
    losses = open_record().trials[0].losses
    assert math.isnan(losses[0])
    assert losses[1] == math.inf
