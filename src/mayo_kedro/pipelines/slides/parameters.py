"""What a user may set about cutting slides."""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_PIXELS = 8192
"""Of a slide, along a side of a tile before it is shrunk."""

Format = Literal["png", "jpeg", "webp"]


class TissueParameters(BaseModel):
    """What counts as tissue.

    Attributes:
        distance: how far a pixel's colour has to be from the background's, in RGB of 0 to 255.
        texture: the least standard deviation of the grey values, within 5 by 5 pixels, that half of a
            piece's pixels must have; ink and shadows are smoother.
        smallest_share: a piece smaller than this share of the slide is a speck.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    distance: float = Field(default=30.0, gt=0, lt=442)
    texture: float = Field(default=2.0, ge=0, lt=128)
    smallest_share: float = Field(default=0.0005, ge=0, lt=1)


class TileParameters(BaseModel):
    """Which parts of a slide become images, where `cut` is "tiles".

    Attributes:
        count: at most so many of each slide, those with the most tissue.
        side: of an image, in pixels.
        factor: by how much the slide is shrunk; a tile covers `side * factor` of its pixels.
        least_tissue: tiles with a smaller share of tissue are left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(default=16, ge=1, le=10_000)
    side: int = Field(default=512, ge=16, le=8192)
    factor: int = Field(default=1, ge=1, le=256)
    least_tissue: float = Field(default=0.25, ge=0, le=1)

    @model_validator(mode="after")
    def _fits_in_memory(self) -> "TileParameters":
        if self.side * self.factor > MOST_PIXELS:
            raise ValueError(f"slides.tiles.side times slides.tiles.factor may be {MOST_PIXELS} at most")
        return self


class ClusterParameters(BaseModel):
    """Where the slides are worked on.

    Attributes:
        scheduler: address of a Dask scheduler, such as tcp://10.0.0.4:8786; None starts workers here.
        workers: how many processes are started here; None is one for each core.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: str | None = None
    workers: int | None = Field(default=None, ge=1, le=1024)

    @model_validator(mode="after")
    def _one_of_both(self) -> "ClusterParameters":
        if self.scheduler and self.workers:
            raise ValueError("slides.cluster.workers is for workers started here, not for a scheduler's")
        return self


class SlidesParameters(BaseModel):
    """Settings of the slides, from conf/base/parameters_slides.yml.

    Attributes:
        cut: "whole" makes one image of each slide; "tiles" the parts with the most tissue.
        longest_side: of a whole slide's image, in pixels; slides are never enlarged.
        factor: shrink every whole slide by this instead; then `longest_side` has to be None.
        format: of the images.
        quality: of jpeg and webp, 1 to 100.
        tiles: where `cut` is "tiles".
        tissue: what counts as tissue.
        most_megapixels: a slide whose header claims more is not read.
        shard_megabytes: pack the images into tar files of at most so many megabytes (10^6 bytes); None sends
            each image as a file of its own.
        bad_share: the run fails if more than this share of the slides has a problem.
        cluster: where the work is done; no image depends on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cut: Literal["whole", "tiles"] = "whole"
    longest_side: int | None = Field(default=1024, ge=16, le=65_535)
    factor: float | None = Field(default=None, ge=1, le=10_000)
    format: Format = "png"
    quality: int = Field(default=90, ge=1, le=100)
    tiles: TileParameters = TileParameters()
    tissue: TissueParameters = TissueParameters()
    most_megapixels: float = Field(default=20_000, gt=0)
    shard_megabytes: float | None = Field(default=None, gt=0, le=10_000)
    bad_share: float = Field(default=0.05, ge=0, le=1)
    cluster: ClusterParameters = ClusterParameters()

    @model_validator(mode="after")
    def _one_size(self) -> "SlidesParameters":
        if (self.longest_side is None) == (self.factor is None):
            raise ValueError("set one of slides.longest_side and slides.factor, and the other to null")
        return self

    def fingerprint(self) -> str:
        """What changes with anything that changes an image."""
        text = self.model_dump_json(exclude={"shard_megabytes", "bad_share", "cluster"})
        return hashlib.sha256(text.encode()).hexdigest()[:16]
