"""What a training step of each network takes on this machine: seconds, memory, arithmetic.

No GPU could be had here. What one would need is estimated from the counted arithmetic and a published speed.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.command import RESULTS
from benchmarks.usage import memory_megabytes
from benchmarks.workspace import describe_machine

BATCH = 16

A100_B4_IMAGES_PER_SECOND = 470
"""EfficientNet B4 at 380 px trains so fast on one A100 with mixed precision and XLA: NVIDIA's own figure in
github.com/NVIDIA/DeepLearningExamples, TensorFlow2/Classification/ConvNets/efficientnet_v1."""

A100_NETWORK = ("EfficientNetB4", 380)

H100_OVER_A100 = (1.6, 2.2)
"""From the memory's bandwidth (3.35 TB/s over 2.04) to what its data sheet promises for dense arithmetic and
convolutions reach in practice: an assumption."""


@dataclass(frozen=True)
class Case:
    """A network and how much of it is trained.

    Attributes:
        backbone: its name.
        image_size: side in pixels.
        unfreeze: stages that are trained; 0 trains the head alone.
    """

    backbone: str
    image_size: int
    unfreeze: int | str

    @property
    def trained(self) -> str:
        """In words."""
        if self.unfreeze == 0:
            return "head"
        return "all of it" if self.unfreeze == "all" else f"last {self.unfreeze} stages"


NETWORKS = {"EfficientNetLite0": 192, "EfficientNetB0": 224, "EfficientNetB5": 512}


def main() -> None:
    """Measure each case in a process of its own and write the page."""
    parser = argparse.ArgumentParser("python -m benchmarks.networks", description=__doc__)
    parser.add_argument("--steps", type=int, default=5, help="after a first one (%(default)s)")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the results (docs/benchmarks)"
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NAME")
    options = parser.parse_args()
    machine, rows = describe_machine(RESULTS, ("keras", "tensorflow")), []
    reference = _alone(_count, Case(*A100_NETWORK, "all"))
    for name in options.networks:
        for unfreeze in (0, 2, "all"):
            rows.append(_measure_what_fits(Case(name, NETWORKS[name], unfreeze), options.steps))
            print(json.dumps(rows[-1]), flush=True)  # noqa: T201
    options.output.mkdir(parents=True, exist_ok=True)
    results = {"machine": machine, "reference_gigaflop": reference, "rows": rows}
    (options.output / "networks.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.output / "networks.md").write_text(_describe(results, options.steps), encoding="utf-8")


def _alone(function: Any, *arguments: Any) -> Any:
    """Call in a fresh process: its memory is the case's alone."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _measure_what_fits(case: Case, steps: int) -> dict[str, Any]:
    """Take fewer images a step where the system ends the process for want of memory."""
    batch = BATCH
    while True:
        try:
            return {"batch": batch, **_alone(_measure, case, batch, steps)}
        except BrokenProcessPool:
            if batch == 1:
                raise
            batch //= 2


def _measure(case: Case, batch_size: int, steps: int) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415  TensorFlow's memory is to be the child's

    train, predict = _prepare(case)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (batch_size, case.image_size, case.image_size, 3), np.uint8)
    batch = (images, np.arange(batch_size) % 2, np.ones(batch_size, np.float32))
    train(*batch)
    seconds = [_time(train, *batch) for _ in range(steps)]
    peak = memory_megabytes()[1]
    predict(images)
    return {
        **asdict(case),
        "trained": case.trained,
        "seconds_per_step": statistics.median(seconds),
        "peak_megabytes": peak,
        "predict_seconds": statistics.median(_time(predict, images) for _ in range(steps)),
        "gigaflop_per_image": _count(case),
    }


def _time(function: Any, *arguments: Any) -> float:
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def _prepare(case: Case) -> tuple[Any, Any]:
    """The training step as the pipeline takes it, with random weights: they do not change its cost."""
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from mayo_kedro.pipelines.modelling.augmentation import add_augmentation  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.devices import open_devices  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.steps import Steps  # noqa: PLC0415

    network, parameters = _build(case)
    trainer = add_augmentation(network, parameters.augmentation)
    steps = Steps(trainer, keras.optimizers.AdamW(1e-4, weight_decay=0), open_devices("auto"))
    signature = [tf.TensorSpec((None, case.image_size, case.image_size, 3), tf.uint8)]
    return steps.train, tf.function(lambda images: network(images, training=False), signature)


def _build(case: Case) -> tuple[Any, Any]:
    from mayo_kedro.pipelines.modelling.network import (  # noqa: PLC0415
        build_network,
        freeze_backbone,
        unfreeze_stages,
    )
    from mayo_kedro.pipelines.modelling.parameters import ModellingParameters  # noqa: PLC0415

    parameters = ModellingParameters(
        backbone=case.backbone, image_size=case.image_size, batch_size=BATCH, weights=None
    )
    network = build_network(parameters, 2)
    if case.unfreeze == 0:
        freeze_backbone(network)
    else:
        unfreeze_stages(network, case.unfreeze)
    return network, parameters


def _count(case: Case) -> float:
    """Arithmetic of one image's forward pass, in 10^9 operations, as TensorFlow's profiler counts."""
    import tensorflow as tf  # noqa: PLC0415
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    network, _ = _build(case)
    signature = tf.TensorSpec((1, case.image_size, case.image_size, 3), tf.uint8)
    call = tf.function(lambda images: network(images, training=False)).get_concrete_function(signature)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    graph = convert_variables_to_constants_v2(call).graph
    with graph.as_default():
        counted = tf.compat.v1.profiler.profile(graph=graph, options=options)
    return float(counted.total_float_ops) / 1e9


def _describe(results: dict[str, Any], steps: int) -> str:
    machine = results["machine"]
    lines = [
        "# What a training step takes",
        "",
        f"`python -m benchmarks.networks`: batches of {BATCH} images, or fewer where memory is too small "
        "for them, float32, the pipeline's own step with its augmentation; "
        f"medians of {steps} steps after a first one, each row in a process of its own. "
        f"{machine['cores']} cores ({machine['processor']}), load {machine['load_before']:.1f} before, "
        f"Python {machine['python']}, project {machine['project']}.",
        "",
        "| network | trained | batch | s a step | images/s | images/s predicted | peak MB | GFLOP, forward |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['backbone']}, {row['image_size']} px | {row['trained']} | {row['batch']} | "
        f"{row['seconds_per_step']:.2f} | "
        f"{row['batch'] / row['seconds_per_step']:.1f} | {row['batch'] / row['predict_seconds']:.1f} | "
        f"{row['peak_megabytes']:,.0f} | {row['gigaflop_per_image']:.1f} |"
        for row in results["rows"]
    ]
    return "\n".join([*lines, "", *_estimate(results)]) + "\n"


def _estimate(results: dict[str, Any]) -> list[str]:
    """What one H100 may do, where the whole network is trained."""
    name, size = A100_NETWORK
    low, high = H100_OVER_A100
    lines = [
        "## One H100, estimated",
        "",
        f"NVIDIA publishes {A100_B4_IMAGES_PER_SECOND} images/s for training {name} at {size} px on one A100 "
        "with mixed precision and XLA (DeepLearningExamples, TensorFlow2, efficientnet_v1). Scaled by the "
        f"arithmetic counted here ({results['reference_gigaflop']:.1f} GFLOP an image for that network) and "
        f"by {low} to {high} for the newer card; none of this was measured, and small networks are held up "
        "by other things.",
        "",
        "| network, all of it trained | images/s | s a step of 16 |",
        "| --- | --- | --- |",
    ]
    for row in results["rows"]:
        if row["unfreeze"] == "all":
            speed = A100_B4_IMAGES_PER_SECOND * results["reference_gigaflop"] / row["gigaflop_per_image"]
            lines.append(
                f"| {row['backbone']}, {row['image_size']} px | {low * speed:,.0f} to {high * speed:,.0f} | "
                f"{BATCH / high / speed:.3f} to {BATCH / low / speed:.3f} |"
            )
    return lines


if __name__ == "__main__":
    main()
