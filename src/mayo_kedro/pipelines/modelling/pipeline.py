"""The modelling pipeline: a node for each selected fold, and one that joins them."""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from inspect import signature
from typing import Any

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.modelling.nodes import join_folds, train_fold

PARTS = ("history", "predictions", "embeddings", "evidence", "summary")


def create_pipeline(folds: Sequence[int] = (0,), **kwargs: object) -> Pipeline:
    """Create the modelling pipeline.

    Args:
        folds: numbers of the folds that are held out, each by a node of its own. These run one after
            another here, and at the same time on a cluster.
        kwargs: Kedro's.
    """
    return Pipeline([*(_make_training_node(fold, tuple(folds)) for fold in folds), _make_joining_node(folds)])


def _make_training_node(fold: int, folds: tuple[int, ...]) -> Node:
    return Node(
        func=_hold_out(fold, folds),
        inputs=[
            "splits",
            "clot_images",
            "backbone_weights",
            "params:columns",
            "params:modelling",
            "training_monitor",
            "checkpoints",
        ],
        outputs=[f"fold_{fold}_model", *(f"fold_{fold}_{part}" for part in PARTS)],
        name=f"train_fold_{fold}_node",
        tags=["gpu"],
    )


def _hold_out(fold: int, folds: tuple[int, ...]) -> Callable[..., Any]:
    # A function and no partial: Kedro-Viz then shows its text.
    @wraps(train_fold)
    def train(*inputs: Any) -> Any:
        return train_fold(*inputs, fold=fold, folds=folds)

    train.__signature__ = signature(partial(train_fold, fold=fold, folds=folds))  # type: ignore[attr-defined]
    return train


def _make_joining_node(folds: Sequence[int]) -> Node:
    return Node(
        func=join_folds,
        inputs=[
            "params:modelling",
            "training_monitor",
            *(f"fold_{fold}_{part}" for part in PARTS for fold in folds),
        ],
        outputs=["fold_models", "history", "predictions", "embeddings", "evidence", "training_summary"],
        name="join_folds_node",
        # Now that all is saved, the checkpoints of the finished folds can go.
        confirms="checkpoints",
    )
