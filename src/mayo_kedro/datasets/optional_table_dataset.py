"""A table that may not be there yet."""

import pandas as pd

from mayo_kedro.datasets.remote import ReadOnlyDataset


class OptionalTableDataset(ReadOnlyDataset[pd.DataFrame]):
    """Loads a CSV as text throughout; where there is none, a table without rows and columns.

    Example of a catalog entry::

        published_slides:
          type: mayo_kedro.datasets.OptionalTableDataset
          filepath: dagshub://owner/name@main/images/slides.csv
          credentials: dagshub
    """

    def load(self) -> pd.DataFrame:
        """Read it."""
        filesystem, path = self._connect()
        if not filesystem.exists(path):
            return pd.DataFrame()
        with filesystem.open(path, "rb") as file:
            return pd.read_csv(file, dtype=str, keep_default_na=False)
