"""What a user may set about the training."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mayo_kedro.pipelines.modelling.search_parameters import Range, SearchParameters

BACKBONES = (
    *(f"EfficientNetB{size}" for size in range(8)),
    *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")),
    *(f"EfficientNetLite{size}" for size in range(3)),
)

Strength = Annotated[float, Field(ge=0, le=0.5)]
LearningRate = Annotated[float, Field(gt=0, le=1)]


class Augmentation(BaseModel):
    """How each training image is changed anew every time it is seen.

    Attributes:
        flips: mirror half of the images left to right, and half of them top to bottom.
        quarter_turns: turn by a multiple of 90 degrees.
        crop: largest share of the side that is cut off before what is left is enlarged again.
        stain: largest relative change of the amount of each stain, see `stains`; 0.05 is slight, 0.2 strong.
        brightness: largest shift, as a share of the full range.
        contrast: largest relative change of the distance to the image's mean.
        saturation: largest relative change of the distance to grey.
        hue: largest turn of the colour circle, as a share of a full circle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flips: bool = True
    quarter_turns: bool = True
    crop: Strength = 0
    stain: Strength = 0
    brightness: Strength = 0.1
    contrast: Strength = 0.1
    saturation: Strength = 0.1
    hue: Strength = 0.02


class ModellingParameters(BaseModel):
    """Settings of the training, from `modelling` in conf/base/parameters_modelling.yml.

    Attributes:
        recipe: "whole_image" shows the network each image at one size; "tiles" the parts of it with the
            most tissue, at the scale of the file, and it learns which of them to attend to.
        tiles: how many, for the recipe of that name.
        backbone: an EfficientNet by its Keras name, or one of the Lite ones.
        weights: the file with the backbone's pretrained weights, in `weights.folder` of the repository;
            None starts at random.
        image_size: side in pixels to which every image is resized, or of a tile.
        batch_size: images a training step.
        frozen_epochs: epochs that train the new head only.
        fine_tune_epochs: epochs that train the last stages too.
        unfreeze: how many of the backbone's last stages are fine-tuned, or all of it.
        frozen_learning_rate: step size while only the head is trained.
        fine_tune_learning_rate: largest step size of the fine-tuning; it rises over one epoch, then
            falls as a cosine to nothing.
        dropout: share of the pooled features that are dropped in training.
        augmentation: how training images are changed.
        class_weights: weigh images so that every class counts the same.
        early_stopping_patience: epochs without a better validation loss before a stage ends.
        validation_share: share of the training patients that early stopping looks at;
            0 trains on all of them, for all epochs.
        folds: the folds to hold out, each with a network of its own: "all", one number or several.
        seed: the same seed gives the same network on the same machine.
        ensemble: networks a fold, with the seeds `seed`, `seed` + 1, …; their probabilities are averaged.
        weight_decay: share by which weights, but not biases, shrink at a step of size 1 (AdamW).
        clip_norm: largest norm of all gradients of a step together; None does not clip.
        accumulate: batches whose gradients are averaged for one step, where memory is too small for a
            large batch.
        calibration: how the probabilities are corrected, by the patients of `validation_share` only:
            "prior" divides by the classes' shares in training (which `class_weights` makes equal already),
            "temperature" makes all of them more or less sure, "platt" fits a logistic regression.
        checkpoint_epochs: epochs between two checkpoints; None saves by time only.
        checkpoint_minutes: minutes after which a checkpoint is due within an epoch; 0 saves after every
            batch, None by epochs only.
        devices: GPUs of this machine that share every batch; "auto" takes all. Several machines are found
            by TF_CONFIG.
        mixed_precision: half precision; "auto" uses it where there is a GPU.
        memory_cache_mb: decoded images are kept in memory if all of them take less than this;
            else they are streamed again in every epoch.
        unreadable_share: of the images of a table that may be left out, and named, because they cannot be
            decoded; with 0 the first one ends the training.
        search: for better settings than these, before each fold's training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Literal["whole_image", "tiles"] = "whole_image"
    tiles: int = Field(default=16, ge=1, le=256)
    backbone: str = "EfficientNetLite0"
    weights: str | None = "efficientnet_lite0.h5"
    image_size: int = Field(default=192, ge=32, le=2048)
    batch_size: int = Field(default=16, ge=1, le=4096)
    frozen_epochs: int = Field(default=4, ge=0, le=10_000)
    fine_tune_epochs: int = Field(default=6, ge=0, le=10_000)
    unfreeze: Annotated[int, Field(ge=1, le=8)] | Literal["all"] = 2
    frozen_learning_rate: LearningRate = 0.001
    fine_tune_learning_rate: LearningRate = 0.0002
    dropout: float = Field(default=0.2, ge=0, lt=1)
    augmentation: Augmentation = Augmentation()
    class_weights: bool = True
    early_stopping_patience: int = Field(default=4, ge=1, le=10_000)
    validation_share: float = Field(default=0.15, ge=0, le=0.5)
    folds: Literal["all"] | tuple[Annotated[int, Field(ge=0)], ...] = "all"
    seed: int = Field(default=1, ge=0, lt=2**32)
    ensemble: int = Field(default=1, ge=1, le=100)
    weight_decay: float = Field(default=0, ge=0, lt=1)
    clip_norm: float | None = Field(default=None, gt=0)
    accumulate: int = Field(default=1, ge=1, le=1000)
    calibration: Literal["none", "prior", "temperature", "platt"] = "none"
    checkpoint_epochs: int | None = Field(default=1, ge=1)
    checkpoint_minutes: float | None = Field(default=5, ge=0)
    devices: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = "auto"
    mixed_precision: Literal["auto"] | bool = "auto"
    memory_cache_mb: int = Field(default=1024, ge=0)
    unreadable_share: float = Field(default=0, ge=0, lt=1)
    search: SearchParameters = SearchParameters()

    @property
    def tiles_per_image(self) -> int | None:
        """How many tiles are taken; None for the whole image."""
        return self.tiles if self.recipe == "tiles" else None

    def of_member(self, number: int) -> "ModellingParameters":
        """The settings of one of a fold's networks, which differ in the seed."""
        return self.model_copy(update={"seed": (self.seed + number) % 2**32})

    def with_settings(self, settings: Mapping[str, Any]) -> "ModellingParameters":
        """These settings with some changed, checked anew, and without a search.

        Args:
            settings: values by name; "augmentation.hue" is a setting of the group `augmentation`.
        """
        changed: dict[str, Any] = self.model_dump(exclude={"search"})
        for name, value in settings.items():
            group, _, setting = name.rpartition(".")
            (changed[group] if group else changed)[setting] = value
        return ModellingParameters(**changed)

    @field_validator("backbone")
    @classmethod
    def _backbone_is_known(cls, name: str) -> str:
        if name not in BACKBONES:
            raise ValueError(f"{name!r} is not one of {', '.join(BACKBONES)}")
        return name

    @field_validator("folds", mode="before")
    @classmethod
    def _one_fold_is_a_list_of_one(cls, folds: Any) -> Any:
        return (folds,) if isinstance(folds, int) else folds

    @field_validator("folds")
    @classmethod
    def _folds_are_listed_once(cls, folds: str | tuple[int, ...]) -> str | tuple[int, ...]:
        if not folds or (folds != "all" and len(set(folds)) < len(folds)):
            raise ValueError('needs "all", the number of a fold, or different ones, such as [0, 1]')
        return folds

    @model_validator(mode="after")
    def _something_is_trained(self) -> "ModellingParameters":
        if self.frozen_epochs + self.fine_tune_epochs == 0:
            raise ValueError("frozen_epochs and fine_tune_epochs are both 0: nothing would be trained")
        return self

    @model_validator(mode="after")
    def _calibration_has_patients(self) -> "ModellingParameters":
        if self.calibration in ("temperature", "platt") and self.validation_share == 0:
            raise ValueError(
                f"calibration: {self.calibration} is fitted to the validation patients, but "
                "validation_share is 0"
            )
        return self

    @model_validator(mode="after")
    def _search_is_possible(self) -> "ModellingParameters":
        if self.search.trials and self.validation_share == 0:
            raise ValueError(
                "search.trials asks for a search, which validation patients judge, but validation_share is 0"
            )
        if self.search.epochs:
            self._require("search: a trial's epochs", self.search.epochs)
        for name, choices in self.search.searched.items():
            for value in choices.examples if isinstance(choices, Range) else choices:
                self._require(f"search.space.{name} would try {value!r}", {name: value})
        return self

    def _require(self, what: str, settings: Mapping[str, Any]) -> None:
        try:
            self.with_settings(settings)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"{what}: {reason}") from None
