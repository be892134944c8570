"""The pipelines of the trial project, in place of the project's own: nodes that cost nothing, some tagged."""

# What nodes print becomes the log of their job.
# ruff: noqa: T201

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.pipeline import Pipeline, node


def make_values(settings: dict[str, Any]) -> tuple[pd.DataFrame, np.ndarray, dict[str, Any], pd.DataFrame]:
    """A table, an array and plain values that stay in memory, and a table for a file."""
    numbers = np.arange(settings["rows"])
    table = pd.DataFrame({"image": [f"image {number}" for number in numbers], "number": numbers})
    return table, numbers.astype("float32"), {"names": ["a", "ü"], "none": None, "deep": {"x": 1.5}}, table


def compute(
    table: pd.DataFrame,
    array: np.ndarray,
    plain: dict[str, Any],
    kept: pd.DataFrame,
    settings: dict[str, Any],
) -> tuple[pd.DataFrame, np.ndarray, dict[str, Any], pd.DataFrame, float]:
    """One of each kind again, and a number for the next node of the same job."""
    print("computing in", os.environ.get("MAYO_JOB", "this process"), flush=True)
    doubled = table.assign(number=table["number"] * settings["factor"])
    facts = {**plain, "rows": len(kept), "job": os.environ.get("MAYO_JOB")}
    return doubled, array * settings["factor"], facts, doubled, float(array.sum())


def add(passed: float, settings: dict[str, Any]) -> float:
    """In the same job."""
    return passed + settings["factor"]


def conclude(
    table: pd.DataFrame, array: np.ndarray, facts: dict[str, Any], kept: pd.DataFrame, total: float
) -> dict[str, Any]:
    """Here again, of all that came back."""
    return {
        "table": int(table["number"].sum()),
        "array": float(array.sum()),
        "kind": str(array.dtype),
        "facts": facts,
        "kept": int(kept["number"].sum()),
        "total": total,
    }


def write_half(settings: dict[str, Any]) -> pd.DataFrame:
    """Made before the failure."""
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs/half.txt").write_text("as far as it got")
    return pd.DataFrame({"number": [settings["factor"]]})


def fail(half: pd.DataFrame) -> pd.DataFrame:
    """As a user's code may."""
    numbers = half["number"].tolist()
    raise ValueError(f"there is no place for {numbers} [bold]here[/bold]")


def wait(settings: dict[str, Any]) -> dict[str, Any]:
    """Some steps, each a moment long."""
    for step in range(settings["steps"]):
        event = f'"fold": 0, "stage": "frozen", "epoch": 0, "step": {step}, "steps": {settings["steps"]}'
        print(f"step {step} is done\nMAYO-EVENT {{{event}}}", flush=True)
        time.sleep(0.2)
    return {"steps": settings["steps"]}


def close(waited: dict[str, Any]) -> dict[str, Any]:
    """Here, after the waiting."""
    return {**waited, "closed": True}


def count(settings: dict[str, Any]) -> dict[str, Any]:
    """Epochs that go on from the last checkpoint; each is a metric once."""
    import mlflow

    folder = Path(os.environ["MAYO_CHECKPOINTS"])
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "epoch.txt"
    first = int(place.read_text()) if place.exists() else 0
    with (folder / "starts.txt").open("a") as starts:
        starts.write(f"{first}\n")
    for epoch in range(first, settings["epochs"]):
        mlflow.log_metric("counted", epoch * 10, step=epoch)
        place.write_text(str(epoch + 1))
        print(f"epoch {epoch} is over", flush=True)
        (folder / f"epoch_{epoch}").touch()
        time.sleep(0.7)
    begun = [int(line) for line in (folder / "starts.txt").read_text().split()]
    return {"starts": begun, "epochs": settings["epochs"]}


def sleep(settings: dict[str, Any]) -> dict[str, float]:
    """For a while, and say from when to when."""
    began = time.time()
    time.sleep(settings["seconds"])
    return {"began": began, "ended": time.time()}


def meet(left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    """How long both were under way at the same time."""
    together = min(left["ended"], right["ended"]) - max(left["began"], right["began"])
    return {"together": together}


def tell_worker(settings: dict[str, Any]) -> dict[str, Any]:
    """What this machine of several was told of the others."""
    cluster = json.loads(os.environ.get("TF_CONFIG", "{}"))
    print("I am", cluster.get("task"), flush=True)
    return {"workers": len(cluster["cluster"]["worker"]), "me": cluster["task"]}


def make_something(settings: dict[str, Any]) -> Any:
    """Of a type that can't travel."""
    return {1, 2, settings["factor"]}


def take_something(something: Any) -> int:
    """There."""
    return len(something)


def register_pipelines() -> dict[str, Pipeline]:
    """Pipelines by name; the default one is the whole of `trial`."""
    parameters = "params:trial"
    trial = Pipeline(
        [
            node(
                make_values, parameters, ["table", "array", "plain", "trial_input"], name="make_values_node"
            ),
            node(
                compute,
                ["table", "array", "plain", "trial_input", parameters],
                ["doubled", "doubled_array", "facts", "trial_result", "passed"],
                name="compute_node",
                tags="gpu",
            ),
            node(add, ["passed", parameters], "total", name="add_node", tags="gpu"),
            node(
                conclude,
                ["doubled", "doubled_array", "facts", "trial_result", "total"],
                "trial_conclusion",
                name="conclude_node",
            ),
        ]
    )
    return {
        "__default__": trial,
        "trial": trial,
        "failing": Pipeline(
            [
                node(write_half, parameters, "trial_half", name="write_half_node", tags="gpu"),
                node(fail, "trial_half", "trial_result", name="fail_node", tags="gpu"),
            ]
        ),
        "waiting": Pipeline(
            [
                node(wait, parameters, "waited", name="wait_node", tags="gpu"),
                node(close, "waited", "trial_conclusion", name="close_node"),
            ]
        ),
        "counting": Pipeline(
            [
                node(count, parameters, "counted", name="count_node", tags="gpu"),
                node(close, "counted", "trial_conclusion", name="close_node"),
            ]
        ),
        "pair": Pipeline(
            [
                node(sleep, parameters, "left", name="left_node", tags="gpu"),
                node(sleep, parameters, "right", name="right_node", tags="gpu"),
                node(meet, ["left", "right"], "trial_conclusion", name="meet_node"),
            ]
        ),
        "uneven": Pipeline(
            [
                node(wait, parameters, "waited", name="wait_node", tags="gpu"),
                node(write_half, parameters, "trial_half", name="write_half_node", tags="gpu"),
                node(fail, "trial_half", "trial_result", name="fail_node", tags="gpu"),
                node(close, "waited", "trial_conclusion", name="close_node"),
            ]
        ),
        "worker": Pipeline([node(tell_worker, parameters, "trial_conclusion", name="tell_node", tags="gpu")]),
        "outside": Pipeline(
            [
                node(make_values, parameters, ["table", "array", "plain", "trial_outside"], name="make_node"),
                node(len, "trial_outside", "length", name="measure_node", tags="gpu"),
            ]
        ),
        "unfit": Pipeline(
            [
                node(make_something, parameters, "something", name="make_something_node"),
                node(take_something, "something", "length", name="take_something_node", tags="gpu"),
            ]
        ),
    }
