"""What a user may set about the report."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]


class Ceiling(BaseModel):
    """The best that an honest evaluation of these data is known to reach; better is a leak's sign.

    Attributes:
        auc: by patient; None where it is not known.
        weighted_log_loss: by patient; None where it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float | None = Field(default=None, gt=0.5, le=1)
    weighted_log_loss: float | None = Field(default=None, ge=0)


class ReportingParameters(BaseModel):
    """Settings of the evaluation, from `reporting` in conf/base/parameters_reporting.yml.

    Attributes:
        bootstrap_samples: how often the patients are drawn anew for an interval.
        confidence: share of the resamples that an interval holds.
        seed: the same seed gives the same intervals.
        calibration_bins: ranges of equal width into which probabilities are sorted.
        operating_points: sensitivities at which the specificity is told, and the other way round; for two
            classes.
        ceiling: what a result must not be better than.
        duplicate_bits: perceptual hashes of 64 bits that differ in at most so many are of the same picture.
        most_wrong: at most so many of the most misjudged images are shown.
        thumbnail_pixels: about the longest side of an image in the report.
        cases: at most so many images are shown of each kind: right and wrong, sure and unsure.
        few_patients: with fewer evaluated patients of a class than this the report warns.
        few_in_subgroup: with fewer patients of a class than this a subgroup has no score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_samples: int = Field(default=2000, gt=0, le=100_000)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=1, ge=0, lt=2**32)
    calibration_bins: int = Field(default=8, ge=2, le=100)
    operating_points: tuple[Share, ...] = (0.8, 0.9)
    ceiling: Ceiling = Ceiling()
    duplicate_bits: int = Field(default=4, ge=0, le=16)
    most_wrong: int = Field(default=12, ge=1, le=60)
    thumbnail_pixels: int = Field(default=320, ge=16, le=2048)
    cases: int = Field(default=4, ge=0, le=20)
    few_patients: int = Field(default=20, ge=0)
    few_in_subgroup: int = Field(default=5, ge=1)
