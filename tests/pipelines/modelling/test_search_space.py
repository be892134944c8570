import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.search_record import Outcome, Trial
from mayo_kedro.pipelines.modelling.search_space import ask, find_configured
from mayo_kedro.pipelines.modelling.search_trial import PruningReports

from .conftest import EventList

SPACE = {
    "frozen_learning_rate": {"low": 0.0001, "high": 0.01, "log": True},
    "unfreeze": [1, 2, "all"],
    "clip_norm": [None, 1.0],
    "augmentation.hue": {"low": 0, "high": 0.1},
}


def make_parameters(**search) -> ModellingParameters:
    return ModellingParameters(search={"trials": 20, "space": SPACE} | search)


def search(parameters, trials, judge) -> list[Trial]:
    """Try settings without a network: `judge` gives their losses by epoch, and the outcome."""
    done: list[Trial] = []
    for number in range(1, trials + 1):
        drawn = ask(parameters, done).params
        losses, outcome = judge(drawn)
        loss = min(losses) if outcome is Outcome.FINISHED else None
        done.append(Trial(number, drawn, outcome, loss, losses, None))
    return done


def judge_rate(drawn):
    """The best learning rate is 0.004."""
    loss = abs(math.log10(drawn["frozen_learning_rate"] / 0.004))
    return [2 * loss, loss], Outcome.FINISHED


def test_the_first_trial_has_the_settings_as_they_are_but_for_those_out_of_range():
    parameters = make_parameters()
    configured = {"frozen_learning_rate": 0.001, "unfreeze": 2, "clip_norm": None, "augmentation.hue": 0.02}
    assert find_configured(parameters) == configured
    assert ask(parameters, []).params == configured
    space = SPACE | {"dropout": {"low": 0.3, "high": 0.5}, "weight_decay": [0.01, 0.1]}
    drawn = ask(make_parameters(space=space), []).params
    assert {name: drawn[name] for name in configured} == configured
    assert 0.3 <= drawn["dropout"] <= 0.5
    assert drawn["weight_decay"] in (0.01, 0.1)


def test_the_draws_follow_from_the_seed_and_from_the_trials_before():
    parameters = make_parameters()
    done = search(parameters, 14, judge_rate)
    for count in (0, 1, 5, 12):
        assert ask(parameters, done[:count]).params == done[count].settings
    other = search(make_parameters(seed=2), 3, judge_rate)
    assert other[0].settings == done[0].settings
    assert other[1].settings != done[1].settings
    better = [Trial(**vars(trial) | {"loss": -trial.loss}) for trial in done[:13]]
    assert ask(parameters, better).params != done[13].settings


def test_it_finds_better_settings_than_chance():
    done = search(make_parameters(), 40, judge_rate)
    later = [trial.loss for trial in done[25:]]
    chance = [trial.loss for trial in done[1:10]]
    assert sorted(later)[len(later) // 2] < sorted(chance)[len(chance) // 2] / 2


@pytest.mark.parametrize("outcome", [Outcome.PRUNED, Outcome.DIVERGED])
def test_it_keeps_away_from_where_trials_came_to_nothing(outcome):
    def judge(drawn):
        rate = drawn["frozen_learning_rate"]
        if rate > 0.003:
            return [float("nan")] if outcome is Outcome.DIVERGED else [9.0], outcome
        return [rate], Outcome.FINISHED

    later = search(make_parameters(), 40, judge)[25:]
    assert sum(trial.outcome is outcome for trial in later) <= 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(Outcome), max_size=12), st.integers(0, 2**32 - 1))
def test_every_draw_is_within_the_space(outcomes, seed):
    parameters = make_parameters(seed=seed)
    told = iter(outcomes)
    done = search(parameters, len(outcomes), lambda drawn: ([drawn["augmentation.hue"]], next(told)))
    for drawn in [*(trial.settings for trial in done), ask(parameters, done).params]:
        assert set(drawn) == set(SPACE)
        chosen = parameters.with_settings(drawn)
        assert 0.0001 <= chosen.frozen_learning_rate <= 0.01
        assert 0 <= chosen.augmentation.hue <= 0.1
        assert drawn["unfreeze"] in (1, 2, "all")


@pytest.mark.parametrize(
    ("losses", "epochs"),
    [
        ([0.9, 0.9, 0.9], 3),  # the third is the first of the fine-tuning
        ([0.4, 0.9, 0.9], 4),  # what counts is the best epoch so far
        ([0.9, 0.9, 0.3], 4),
    ],
)
def test_a_trial_ends_once_it_falls_behind_after_the_frozen_stage(losses, epochs):
    done = [Trial(number, {}, Outcome.FINISHED, 0.5, [0.5] * 4, None) for number in range(1, 6)]
    parameters = make_parameters(frozen_epochs=2, fine_tune_epochs=2)
    done = [Trial(**vars(trial) | {"settings": ask(parameters, []).params}) for trial in done]
    monitor = EventList()
    reports = PruningReports(ask(parameters, done), monitor, 0, 4)
    rows = [
        {"stage": "any", "epoch": epoch, "val_loss": loss} for epoch, loss in enumerate([*losses, losses[-1]])
    ]
    if epochs < 4:
        with pytest.raises(optuna.TrialPruned):
            [reports.epoch_ended(row) for row in rows]
    else:
        [reports.epoch_ended(row) for row in rows]
    assert reports.losses == [row["val_loss"] for row in rows[:epochs]]
    assert [event[2] for event in monitor.epochs] == list(range(epochs))
