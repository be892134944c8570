"""What a user may set about the report."""

from pydantic import BaseModel, ConfigDict, Field


class ReportingParameters(BaseModel):
    """Settings of the evaluation, from `reporting` in conf/base/parameters_reporting.yml.

    Attributes:
        bootstrap_samples: how often the patients are drawn anew for an interval.
        confidence: share of the resamples that an interval holds.
        seed: the same seed gives the same intervals.
        calibration_bins: ranges of equal width into which probabilities are sorted.
        most_wrong: at most so many of the most misjudged images are shown.
        thumbnail_pixels: about the longest side of an image in the report.
        few_patients: with fewer evaluated patients of a class than this the report warns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_samples: int = Field(default=2000, gt=0, le=100_000)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=1, ge=0, lt=2**32)
    calibration_bins: int = Field(default=8, ge=2, le=100)
    most_wrong: int = Field(default=12, ge=1, le=60)
    thumbnail_pixels: int = Field(default=320, ge=16, le=2048)
    few_patients: int = Field(default=20, ge=0)
