"""The reporting as a Kedro pipeline."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.reporting import drawing_nodes as drawing
from mayo_kedro.pipelines.reporting import nodes

COLUMNS, REPORTING = "params:columns", "params:reporting"


def create_pipeline(**_: object) -> Pipeline:
    """From held-out predictions to metrics, alarms, figures, the report and what is published."""
    return Pipeline([*_evaluate(), *_look_at_cases(), *_draw(), *_report()])


def _evaluate() -> list[Node]:
    judged = ["predictions", "splits", "image_facts", COLUMNS, REPORTING]
    return [
        _make_node(nodes.measure_images, ["splits", "clot_images", "predictions"], "image_facts"),
        _make_node(nodes.evaluate_predictions, judged, ["metrics", "leak_alarms"]),
        _make_node(nodes.evaluate_subgroups, judged, "subgroups"),
        _make_node(nodes.describe_data, ["splits", "image_facts", COLUMNS], "data_card"),
    ]


def _look_at_cases() -> list[Node]:
    predicted = ["predictions", COLUMNS, REPORTING]
    pictured = ["cases", "evidence", "clot_images", "training_summary", REPORTING]
    return [
        _make_node(nodes.find_most_wrong, predicted, "most_wrong"),
        _make_node(nodes.select_cases, predicted, "cases"),
        _make_node(nodes.picture_cases, pictured, "case_pictures"),
    ]


def _draw() -> list[Node]:
    drawn: dict[str, tuple[Callable[..., Any], list[str]]] = {
        "confusion_matrix": (drawing.draw_confusion_matrix, ["predictions", COLUMNS]),
        "roc": (drawing.draw_roc, ["predictions", COLUMNS, REPORTING]),
        "precision_recall": (drawing.draw_precision_recall, ["predictions", COLUMNS]),
        "calibration": (drawing.draw_calibration, ["predictions", COLUMNS, REPORTING]),
        "score_distribution": (drawing.draw_score_distribution, ["predictions", COLUMNS]),
        "learning_curves": (drawing.draw_learning_curves, ["history"]),
        "most_wrong": (
            drawing.draw_most_wrong,
            ["most_wrong", "clot_images", "data_source", REPORTING],
        ),
        "cases": (drawing.draw_cases, ["cases", "case_pictures", "data_source"]),
    }
    return [_make_node(draw, inputs, f"{name}_figure") for name, (draw, inputs) in drawn.items()]


def _report() -> list[Node]:
    told = [
        "predictions",
        "splits",
        "history",
        "metrics",
        "leak_alarms",
        "subgroups",
        "cases",
        "case_pictures",
        "data_card",
        "split_summary",
        "training_summary",
        "data_source",
        COLUMNS,
        REPORTING,
    ]
    return [
        _make_node(nodes.write_report, told, "report"),
        _make_node(nodes.publish_results, ["metrics", "report", "data_source"], "publication"),
    ]


def _make_node(function: Callable[..., Any], inputs: list[str], outputs: str | list[str]) -> Node:
    return Node(function, inputs=inputs, outputs=outputs, name=f"{function.__name__}_node")
