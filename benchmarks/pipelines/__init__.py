"""Image pipelines of TensorFlow: uint8 batches of shape (16, 512, 512, 3).

`open_batches(task)` of each of these modules gives what can be iterated over once for each epoch, all of them
through the rows in the same order.
"""

from collections.abc import Iterator
from itertools import count

import numpy as np
import numpy.typing as npt

SEED = 1


def orders(rows: int) -> Iterator[npt.NDArray[np.int64]]:
    """Give the row numbers of epoch after epoch, in the order of use: that of the project's training."""
    return (np.random.default_rng([SEED, epoch]).permutation(rows) for epoch in count())
