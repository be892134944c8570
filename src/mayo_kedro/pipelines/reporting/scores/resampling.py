"""The bootstrap: draw the patients anew, many times, and see how far a value moves."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mayo_kedro.pipelines.reporting.scores.metrics import Floats, Labels

BLOCK_CELLS = 2_000_000
"""Resamples are made in blocks of about so many numbers, so that memory does not grow with their count."""


def resample_patients(labels: Labels, samples: int, seed: int) -> Iterator[Floats]:
    """Draw patients with replacement, of each class as many as there are.

    Args:
        labels: (patients,), the numbers of their classes.
        samples: how many resamples.
        seed: the same seed draws the same patients.

    Yields:
        Blocks of (resamples, patients): how often each patient was drawn.
    """
    draw = np.random.default_rng(seed)
    of_class = [np.flatnonzero(labels == number) for number in np.unique(labels)]
    block = max(1, BLOCK_CELLS // len(labels))
    for start in range(0, samples, block):
        count = min(block, samples - start)
        weights = np.zeros((count, len(labels)))
        for members in of_class:
            weights[:, members] = _count_draws(draw, count, len(members))
        yield weights


def _count_draws(draw: np.random.Generator, samples: int, size: int) -> npt.NDArray[np.int64]:
    drawn = draw.integers(0, size, (samples, size)) + size * np.arange(samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=samples * size).reshape(samples, size)


def find_interval(values: Floats, confidence: float) -> Floats:
    """The percentile interval: what lies outside is as likely below as above.

    Args:
        values: (resamples, ...).
        confidence: share of the resamples within.

    Returns:
        (2, ...): low and high.
    """
    outside = (1 - confidence) / 2
    return np.asarray(np.quantile(values, [outside, 1 - outside], axis=0))


def reflect_interval(value: float, low: float, high: float) -> tuple[float, float]:
    """Turn the percentile interval of a distance around its value (the "basic" bootstrap interval).

    Noise makes a distance larger, and a resample has noise of its own beside the sample's. So resampled
    distances lie too high by about as much as the value itself does, and their mirror image does not.

    Args:
        value: of the sample, at least 0.
        low: of the resamples; so is `high`.
        high: the other end.
    """
    return max(0.0, 2 * value - high), max(0.0, 2 * value - low)
