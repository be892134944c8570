"""The reporting as a Kedro pipeline."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.reporting import nodes


def create_pipeline(**_: object) -> Pipeline:
    """From held-out predictions to metrics, figures, the report and what is published."""
    return Pipeline([*_evaluate(), *_draw(), *_report()])


def _evaluate() -> list[Node]:
    settings = ["params:columns", "params:reporting"]
    return [
        Node(
            nodes.evaluate_predictions,
            inputs=["predictions", *settings],
            outputs="metrics",
            name="evaluate_predictions_node",
        ),
        Node(
            nodes.find_most_wrong,
            inputs=["predictions", *settings],
            outputs="most_wrong",
            name="find_most_wrong_node",
        ),
    ]


def _draw() -> list[Node]:
    columns, reporting = "params:columns", "params:reporting"
    drawn: dict[str, tuple[Callable[..., Any], list[str]]] = {
        "confusion_matrix": (nodes.draw_confusion_matrix, ["predictions", columns]),
        "roc": (nodes.draw_roc, ["predictions", columns, reporting]),
        "precision_recall": (nodes.draw_precision_recall, ["predictions", columns]),
        "calibration": (nodes.draw_calibration, ["predictions", columns, reporting]),
        "score_distribution": (nodes.draw_score_distribution, ["predictions", columns]),
        "learning_curves": (nodes.draw_learning_curves, ["history"]),
        "most_wrong": (nodes.draw_most_wrong, ["most_wrong", "clot_images", "data_source", reporting]),
    }
    return [
        Node(draw, inputs=inputs, outputs=f"{name}_figure", name=f"draw_{name}_node")
        for name, (draw, inputs) in drawn.items()
    ]


def _report() -> list[Node]:
    return [
        Node(
            nodes.write_report,
            inputs=[
                "predictions",
                "history",
                "metrics",
                "most_wrong",
                "clot_images",
                "split_summary",
                "training_summary",
                "data_source",
                "params:columns",
                "params:reporting",
            ],
            outputs="report",
            name="write_report_node",
        ),
        Node(
            nodes.publish_results,
            inputs=["metrics", "report", "data_source"],
            outputs="publication",
            name="publish_results_node",
        ),
    ]
