"""A page whose beginning Kedro-Viz can show."""

import re

from kedro_datasets._typing import HTMLPreview
from kedro_datasets.text.text_dataset import TextDataset


class HTMLPageDataset(TextDataset):
    """Loads and saves a page of HTML as text, as `text.TextDataset` does, and lets Kedro-Viz show its start.

    Example of a catalog entry::

        report:
          type: mayo_kedro.datasets.HTMLPageDataset
          filepath: data/08_reporting/report.html
    """

    def preview(self) -> HTMLPreview:
        """Show the first section.

        Of a whole page Kedro-Viz would apply the style sheet to itself.

        Returns:
            HTML without line breaks, which Kedro-Viz would draw as such.
        """
        found = re.search(r"<section.*?</section>", self.load(), re.DOTALL)
        return HTMLPreview(" ".join(found[0].split()) if found else "")
