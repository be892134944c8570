"""Values in order, fetched by threads before they are asked for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Name = TypeVar("Name")
Value = TypeVar("Value")

THREADS = 16
WINDOW = 64


def read_ahead(
    read: Callable[[Name], Value], names: Iterable[Name], threads: int = THREADS, window: int = WINDOW
) -> Iterator[Value]:
    """Read names in their order, at most `window` of them before the consumer takes them.

    Args:
        read: reads one; called from several threads.
        names: what to read, in order.
        threads: how many reads run at once.
        window: how many values may wait, which bounds the memory.

    Yields:
        The values, in the order of `names`.

    Raises:
        Exception: what `read` raised, when its turn comes; nothing later is started then.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read-ahead")
    waiting: deque[Future[Value]] = deque()
    try:
        for name in names:
            waiting.append(pool.submit(read, name))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
