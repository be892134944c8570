"""A folder of files of which only the ones that are used travel."""

from mayo_kedro.datasets.remote import ReadOnlyDataset
from mayo_kedro.streaming.files import StreamedFiles


class StreamedFilesDataset(ReadOnlyDataset[StreamedFiles]):
    """Loads `StreamedFiles`: a file is fetched when its path is read, and no other is.

    Example of a catalog entry::

        backbone_weights:
          type: mayo_kedro.datasets.StreamedFilesDataset
          filepath: dagshub://owner/name@main/pretrained_efficientnet
          credentials: dagshub

    `catalog.load("backbone_weights")["efficientnet_lite0.h5"].path` is then a local, verified file.
    """

    def load(self) -> StreamedFiles:
        """Make the lazy folder; no request is sent."""
        return StreamedFiles(*self._connect())
