"""The modelling pipeline: one network for each selected fold."""

from kedro.pipeline import Node, Pipeline

from mayo_kedro.pipelines.modelling.nodes import train_folds


def create_pipeline(**kwargs: object) -> Pipeline:
    """Create the modelling pipeline."""
    return Pipeline(
        [
            Node(
                func=train_folds,
                inputs=[
                    "splits",
                    "clot_images",
                    "backbone_weights",
                    "params:columns",
                    "params:modelling",
                    "training_monitor",
                ],
                outputs=["fold_models", "history", "predictions", "training_summary"],
                name="train_folds_node",
                tags=["gpu"],
            )
        ]
    )
