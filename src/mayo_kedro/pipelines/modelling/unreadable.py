"""Leaving out images that cannot be decoded, up to a share, and saying which."""

import logging
from collections.abc import Sequence

from mayo_kedro.errors import UserError

logger = logging.getLogger(__name__)

NAMED = 10
"""How many are named in a message."""


class UnreadableImages:
    """Which images have turned out to be unreadable.

    Args:
        share: of the images of a table that may be; with 0 the first one ends the training.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._found: set[str] = set()

    def __bool__(self) -> bool:
        """Tell whether any image is known to be unreadable."""
        return bool(self._found)

    def __contains__(self, image: object) -> bool:
        """Tell whether an image is known to be unreadable."""
        return image in self._found

    def note_pass(self, ids: Sequence[str], arrived: set[str]) -> None:
        """Look, after a pass over a table, which of its images did not come out of the decoder.

        Args:
            ids: of the whole table.
            arrived: that were decoded.

        Raises:
            UserError: the missing ones are more than the share.
        """
        missing = [image for image in ids if image not in arrived]
        if not missing:
            return
        named = ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
        if len(missing) > self.share * len(ids):
            raise UserError(
                f"{len(missing)} of {len(ids)} images cannot be decoded, more than the share of "
                f"{self.share:g} that may be left out: {named}.",
                "Replace the files in the repository, take their rows out of the table of labels, or raise "
                "modelling.unreadable_share.",
            )
        if not self._found.issuperset(missing):
            logger.warning("Left out: %d of %d images cannot be decoded: %s.", len(missing), len(ids), named)
            self._found.update(missing)
