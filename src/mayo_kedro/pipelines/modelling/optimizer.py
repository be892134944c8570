"""How large the steps of a stage are, and what keeps them in bounds."""

import math

import keras

from mayo_kedro.pipelines.modelling.devices import Devices
from mayo_kedro.pipelines.modelling.epochs import Stage
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters

NOT_DECAYED = ["bias", "gamma", "beta"]
"""Names of weights that only shift or scale."""


def make_optimizer(
    parameters: ModellingParameters, stage: Stage, network: keras.Model, batches: int, devices: Devices
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a stage: AdamW, which without weight decay is Adam.

    Args:
        parameters: `weight_decay`, `clip_norm` and `accumulate` count here.
        stage: its epochs and its highest rate.
        network: which may compute in half precision.
        batches: in an epoch.
        devices: each clips its part of the gradients, which are then added up.
    """
    accumulated = parameters.accumulate if parameters.accumulate > 1 else None
    replicas = devices.strategy.num_replicas_in_sync
    with devices.strategy.scope():
        optimizer = keras.optimizers.AdamW(
            schedule_learning_rate(stage, math.ceil(batches / parameters.accumulate)),
            weight_decay=parameters.weight_decay,
            global_clipnorm=parameters.clip_norm and parameters.clip_norm / replicas,
            gradient_accumulation_steps=accumulated,
        )
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
        if any(layer.compute_dtype == "float16" for layer in network.layers):
            return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def schedule_learning_rate(
    stage: Stage, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """The head learns at a constant rate; the backbone starts gently and ends so.

    Adam's first steps are as large as its rate whatever the gradient, and would undo a backbone's
    weights: the rate rises over one epoch, then falls as a cosine to nothing.

    Args:
        stage: its name, epochs and highest rate.
        steps: of the optimizer in an epoch.
    """
    if stage.name == "frozen" or stage.epochs < 2:
        return stage.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        0.0, (stage.epochs - 1) * steps, warmup_target=stage.learning_rate, warmup_steps=steps
    )
