"""What a user may set about the splits."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SplitParameters(BaseModel):
    """How the images are divided into folds.

    Attributes:
        method: "by_patient" keeps all images of a patient in one fold; "by_centre" leaves one centre out at a
            time, whose images are the fold; "random" is the article's way, for comparison: it looks at images
            only, so that one patient may be on both sides.
        folds: how many parts, each held out once; of about the same size, but for "by_centre", which needs as
            many as there are centres.
        seed: the same seed gives the same folds, in whatever order the rows come.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["by_patient", "by_centre", "random"] = "by_patient"
    folds: int = Field(default=5, ge=2, le=1000)
    seed: int = Field(default=1, ge=0, lt=2**32)


class ContactSheetParameters(BaseModel):
    """Which images the contact sheet shows.

    Attributes:
        images_per_class: at most so many of each class.
        seed: the same seed shows the same images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images_per_class: int = Field(default=6, ge=1, le=12)
    seed: int = Field(default=1, ge=0, lt=2**32)


class DataProcessingParameters(BaseModel):
    """Settings of the data processing, from conf/base/parameters_data_processing.yml.

    Attributes:
        unlabelled_images: what becomes of image files without a row in the label table: "refuse" ends
            the run; "ignore" leaves them alone, for a folder that holds other sets of images too.
        split: how the images are divided into folds.
        contact_sheet: which images are shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unlabelled_images: Literal["refuse", "ignore"] = "refuse"
    split: SplitParameters = SplitParameters()
    contact_sheet: ContactSheetParameters = ContactSheetParameters()
