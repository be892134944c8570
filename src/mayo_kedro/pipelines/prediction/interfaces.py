"""What the prediction asks of the things that the catalog hands to it."""

from typing import Protocol

import pandas as pd

from mayo_kedro.pipelines.modelling.interfaces import ImageStream


class NewImages(ImageStream, Protocol):
    """Images to be predicted."""

    @property
    def table(self) -> pd.DataFrame:
        """One row an image: `image` and, where it is known, `patient`."""
