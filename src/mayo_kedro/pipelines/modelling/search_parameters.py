"""What a user may set about the search for better settings."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

NAMES = (
    "frozen_learning_rate",
    "fine_tune_learning_rate",
    "unfreeze",
    "dropout",
    "weight_decay",
    "clip_norm",
    "batch_size",
    "accumulate",
    "class_weights",
    "augmentation.flips",
    "augmentation.quarter_turns",
    "augmentation.brightness",
    "augmentation.contrast",
    "augmentation.saturation",
    "augmentation.hue",
    "augmentation.stain",
    "augmentation.crop",
)
"""Settings that change how a network learns, but neither its images nor the patients it is judged by."""

GOLDEN = 2 / (1 + math.sqrt(5))
"""So far along a range lies no whole number where both ends are whole."""


class Range(BaseModel):
    """Real numbers between two ends.

    Attributes:
        low: the least.
        high: the greatest.
        log: draw every order of magnitude as often, as suits learning rates.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = False

    @property
    def examples(self) -> tuple[float, ...]:
        """Both ends and a number between."""
        return self.low, self.low + GOLDEN * (self.high - self.low), self.high

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low must be less than high, and {self.low:g} is not less than {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"with log, low must be greater than 0, and it is {self.low:g}")
        return self


Value = float | int | bool | str | None
Values = Annotated[tuple[Value, ...], Field(min_length=2)]
Choices = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Values, Tag("list")],
    Discriminator(lambda given: "range" if isinstance(given, Range | Mapping) else "list"),
]


class SearchParameters(BaseModel):
    """Settings of the search, from `modelling.search` in conf/base/parameters_modelling.yml.

    Attributes:
        trials: how many combinations of settings are tried before each fold's training, on its training
            patients only; 0 does not search. The first is the one that `modelling` tells, as far as it lies
            within the ranges.
        networks: that a trial trains, each with a seed and validation patients of its own; the mean of their
            losses counts.
        frozen_epochs: of a trial; None takes those of `modelling`.
        fine_tune_epochs: of a trial; None takes those of `modelling`.
        seed: of the draws.
        space: what is searched: by the name of a setting a range, or a list of values; None leaves the
            setting as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(default=0, ge=0, le=10_000)
    networks: int = Field(default=1, ge=1, le=100)
    frozen_epochs: int | None = Field(default=None, ge=0, le=10_000)
    fine_tune_epochs: int | None = Field(default=None, ge=0, le=10_000)
    seed: int = Field(default=1, ge=0, lt=2**32)
    space: Mapping[str, Choices | None] = Field(default_factory=dict)

    @property
    def searched(self) -> dict[str, Range | tuple[Value, ...]]:
        """What is searched, by the name of the setting."""
        return {name: choices for name, choices in self.space.items() if choices is not None}

    @property
    def epochs(self) -> dict[str, Any]:
        """The settings of a trial's length that are not those of `modelling`."""
        told = {"frozen_epochs": self.frozen_epochs, "fine_tune_epochs": self.fine_tune_epochs}
        return {name: count for name, count in told.items() if count is not None}

    @field_validator("space")
    @classmethod
    def _names_are_known(cls, space: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in space:
            if name not in NAMES:
                raise ValueError(f"{name!r} is not one of {', '.join(NAMES)}")
        return space

    @model_validator(mode="after")
    def _something_is_searched(self) -> "SearchParameters":
        if self.trials and not self.searched:
            raise ValueError("search.trials asks for a search, but search.space has no range to search")
        return self
