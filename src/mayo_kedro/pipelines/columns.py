"""What the user's label table calls its columns and classes."""

from pydantic import BaseModel, ConfigDict, model_validator


class Columns(BaseModel):
    """Names in the user's label table, from `columns` in conf/base/globals.yml.

    The checked table, and every table made from it, uses this project's names instead:
    `image`, `patient`, `label`, `int_labels` and, where it is named, `centre`.

    Attributes:
        image: column of the image's id (its file name without the suffix).
        patient: column of the group that must stay on one side of a split.
        label: column of the class.
        classes: the classes, in order.
        positive: of two classes the one to detect (`int_labels` 1); None with three or more.
        centre: column of where an image was made (hospital, scanner); None if the table does not tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    patient: str
    label: str
    classes: tuple[str, ...]
    positive: str | None = None
    centre: str | None = None

    @model_validator(mode="after")
    def _classes_make_sense(self) -> "Columns":
        if len(set(self.classes)) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError("columns.classes needs two or more different classes")
        if self.positive is not None and self.positive not in self.classes:
            raise ValueError(f"columns.positive is {self.positive!r}, which is not in columns.classes")
        if self.positive is None and len(self.classes) == 2:
            raise ValueError("columns.positive must name one of the two classes")
        if self.positive is not None and len(self.classes) > 2:
            raise ValueError("columns.positive is for two classes; leave it null with three or more")
        return self

    @property
    def ordered_classes(self) -> tuple[str, ...]:
        """The classes in the order of `int_labels`: the positive one last."""
        return tuple(sorted(self.classes, key=lambda name: name == self.positive))
