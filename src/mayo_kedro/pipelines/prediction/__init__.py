"""New images, and the networks of a training, to probabilities of patients, or to a refusal in words."""

from mayo_kedro.pipelines.prediction.pipeline import create_gathering_pipeline, create_pipeline

__all__ = ["create_gathering_pipeline", "create_pipeline"]
