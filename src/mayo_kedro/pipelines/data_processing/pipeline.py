"""The data processing as a Kedro pipeline."""

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.data_processing.nodes import (
    check_labels,
    draw_contact_sheet,
    label_classes,
    record_data_version,
    split_patients,
    summarize_splits,
)


def create_pipeline(**_: object) -> Pipeline:
    """From the label table to splits, their summary and a contact sheet."""
    return Pipeline(
        [
            Node(
                record_data_version,
                inputs="data_source",
                outputs="data_version",
                name="record_data_version_node",
            ),
            Node(
                check_labels,
                inputs=["label_table", "clot_images", "params:columns", "params:data_processing"],
                outputs="checked_labels",
                name="check_labels_node",
            ),
            Node(
                label_classes,
                inputs=["checked_labels", "params:columns"],
                outputs="labels",
                name="label_classes_node",
            ),
            Node(
                split_patients,
                inputs=["labels", "params:data_processing"],
                outputs="splits",
                name="split_patients_node",
            ),
            Node(
                summarize_splits,
                inputs=["splits", "params:columns", "params:data_processing"],
                outputs="split_summary",
                name="summarize_splits_node",
            ),
            Node(
                draw_contact_sheet,
                inputs=["labels", "clot_images", "params:columns", "params:data_processing", "data_source"],
                outputs="contact_sheet_figure",
                name="draw_contact_sheet_node",
            ),
        ]
    )
