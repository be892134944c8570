"""What a user may set about predicting new images."""

from pydantic import BaseModel, ConfigDict, Field


class PredictionParameters(BaseModel):
    """Settings of the prediction, from `prediction` in conf/base/parameters_prediction.yml.

    Attributes:
        nearest: an image is as far from a network's held-out images as from the nearest but so many of them,
            this one counted.
        quantile: share of the held-out images that would be accepted, as far as these are from those of other
            patients; by their features and by their colours, each of which refuses half of the others.
        refused_share: a patient is refused if at least this share of the readable images is.
        batch_size: images at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nearest: int = Field(default=2, ge=1, le=1000)
    quantile: float = Field(default=0.99, gt=0, lt=1)
    refused_share: float = Field(default=0.5, gt=0, le=1)
    batch_size: int = Field(default=16, ge=1, le=4096)
