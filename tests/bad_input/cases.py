"""Which of the cases run with every `bin/test`."""

from collections.abc import Mapping
from typing import Any

import pytest


def one_of_a_kind(cases: Mapping[str, tuple[Any, ...]], *kept: str) -> list[Any]:
    """Make a test of each case; all but those named are slow, since each is a whole command of its own."""
    assert set(kept) <= cases.keys()
    return [
        pytest.param(*case, id=name, marks=() if name in kept else pytest.mark.slow)
        for name, case in cases.items()
    ]
