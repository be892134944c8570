"""How unlike the held-out images a new image is.

This is the distance to the k-th nearest neighbour of Sun et al. 2022 (arxiv.org/abs/2204.06507), in the space
of a network's normalised features. The neighbours are images that the network predicted without having
trained on them or their patients: it has fitted its training images, and would call every new image farther.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from sklearn.metrics import pairwise_distances_chunked

Floats = npt.NDArray[np.float64]

SMALLEST = 1e-12
"""Below this a length, or a distance that others are divided by, counts as this."""


@dataclass(frozen=True)
class Reference:
    """Held-out images as points.

    Attributes:
        points: (images, dimensions).
        nearest: which neighbour is looked at.
        threshold: the distance from which on an image is unlike them.
    """

    points: Floats
    nearest: int
    threshold: float

    def measure(self, points: Floats) -> Floats:
        """Measure how far images are, in units of the threshold: from 1 on an image is unlike.

        Args:
            points: (images, dimensions), of one image at least.
        """
        new, known = np.zeros(len(points)), np.ones(len(self.points))
        distances = _measure(points, new, self.points, known, self.nearest)
        return np.asarray(distances / max(self.threshold, SMALLEST))


def make_reference(points: Floats, patients: npt.ArrayLike, nearest: int, quantile: float) -> Reference:
    """Learn from held-out images how far an image of another patient usually is.

    Args:
        points: (images, dimensions).
        patients: whose they are, (images,); at least two different ones.
        nearest: which neighbour is looked at; the farthest, where there are not as many.
        quantile: of the distances of each image to those of other patients, that is the threshold. Counted so
            that of equally likely images a new one is beyond with probability 1 - `quantile` at most, if
            there are enough of them for that; else the largest distance.
    """
    _, numbers = np.unique(patients, return_inverse=True)
    distances = np.sort(_measure(points, numbers, points, numbers, nearest))
    place = min(int(np.ceil((len(distances) + 1) * quantile)), len(distances))
    return Reference(points, nearest, float(distances[place - 1]))


def normalise(embeddings: npt.ArrayLike) -> Floats:
    """Give features (images, features) the length 1."""
    features = np.asarray(embeddings, np.float64)
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), SMALLEST))


def _measure(
    points: Floats,
    patients: npt.NDArray[np.number],
    others: Floats,
    other_patients: npt.NDArray[np.number],
    nearest: int,
) -> Floats:
    """Distance of each point to the k-th nearest among those of other patients."""
    pick = partial(_pick, patients=patients, other_patients=other_patients, nearest=nearest)
    return np.concatenate(list(pairwise_distances_chunked(points, others, reduce_func=pick)))


def _pick(
    distances: Floats,
    start: int,
    patients: npt.NDArray[np.number],
    other_patients: npt.NDArray[np.number],
    nearest: int,
) -> Floats:
    own = patients[start : start + len(distances), np.newaxis] == other_patients
    ordered = np.sort(np.where(own, np.inf, distances), axis=1)
    available = np.isfinite(ordered).sum(axis=1)
    return np.asarray(ordered[np.arange(len(ordered)), np.minimum(nearest, available) - 1])
