"""Which settings a trial takes, and when it falls behind: Optuna's part of the search."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, cast

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.search_parameters import Range, Value
from mayo_kedro.pipelines.modelling.search_record import Outcome, Trial

STATES = {
    Outcome.FINISHED: TrialState.COMPLETE,
    Outcome.PRUNED: TrialState.PRUNED,
    Outcome.DIVERGED: TrialState.PRUNED,  # told nothing of its epochs, it counts as the worst
}


def ask(parameters: ModellingParameters, trials: Sequence[Trial]) -> optuna.Trial:
    """Draw the settings of the next trial.

    The study is made anew for each trial, and its sampler is seeded by the trial's number: what is drawn
    follows from the trials before, whether or not there was an interruption.

    Args:
        parameters: with the search.
        trials: that have ended, in order.

    Returns:
        A trial whose `params` are the settings by name; it takes the losses of epochs, and tells when it
        should be pruned.
    """
    search = parameters.search
    # Optuna would log every trial in its own words.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    numbers = np.random.SeedSequence([search.seed, len(trials)])
    length = parameters.with_settings(search.epochs)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=int(numbers.generate_state(1)[0])),
        # A network that starts badly may still gain most from the fine-tuning.
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=length.frozen_epochs),
    )
    space = {name: _distribute(choices) for name, choices in search.searched.items()}
    study.add_trials([_replay(trial, space) for trial in trials])
    if not trials:
        study.enqueue_trial(find_configured(parameters))
    return study.ask(space)


def find_configured(parameters: ModellingParameters) -> dict[str, Value]:
    """The searched settings as they are without a search, but for those outside of their range."""
    configured = {name: _read(parameters, name) for name in parameters.search.searched}
    return {
        name: value
        for name, value in configured.items()
        if _contains(parameters.search.searched[name], value)
    }


def _read(parameters: ModellingParameters, name: str) -> Value:
    value: Any = reduce(getattr, name.split("."), parameters)
    return cast("Value", value)


def _contains(choices: Range | tuple[Value, ...], value: Value) -> bool:
    if isinstance(choices, Range):
        return value is not None and choices.low <= float(value) <= choices.high
    return value in choices


def _distribute(choices: Range | tuple[Value, ...]) -> BaseDistribution:
    if isinstance(choices, Range):
        return FloatDistribution(choices.low, choices.high, log=choices.log)
    return CategoricalDistribution(choices)


def _replay(trial: Trial, space: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        state=STATES[trial.outcome],
        value=trial.loss,
        params=trial.settings,
        distributions=space,
        intermediate_values=dict(enumerate(trial.losses)) if trial.outcome is not Outcome.DIVERGED else {},
    )
