"""The prediction of new images as a Kedro pipeline; it runs by its own name only."""

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.prediction import nodes

COLUMNS, PREDICTION = "params:columns", "params:prediction"


def create_pipeline(**_: object) -> Pipeline:
    """From new images and a predictor to a row a patient."""
    return Pipeline(
        [
            Node(
                nodes.list_new_images,
                inputs="new_images",
                outputs="new_image_table",
                name="list_new_images_node",
            ),
            Node(
                nodes.predict_new_images,
                inputs=["new_images", "new_image_table", "predictor", COLUMNS, PREDICTION],
                outputs=["network_predictions", "predicted_evidence"],
                name="predict_new_images_node",
            ),
            Node(
                nodes.judge_new_images,
                inputs=["network_predictions", "new_image_table", COLUMNS],
                outputs="predicted_images",
                name="judge_new_images_node",
            ),
            Node(
                nodes.judge_new_patients,
                inputs=["network_predictions", "predicted_images", COLUMNS, PREDICTION],
                outputs="predicted_patients",
                name="judge_new_patients_node",
            ),
            Node(
                nodes.write_submission,
                inputs=["predicted_patients", COLUMNS],
                outputs="submission",
                name="write_submission_node",
            ),
        ]
    )


def create_gathering_pipeline() -> Pipeline:
    """What ends a training: all that predicts becomes one model, which MLflow keeps and serves."""
    return Pipeline(
        [
            Node(
                nodes.gather_predictor,
                inputs=["network_files", "embeddings", "training_summary", COLUMNS, PREDICTION],
                outputs="predictor",
                name="gather_predictor_node",
            )
        ]
    )
