"""Processes that work on slides: those of a machine, of all machines of a job, or of a Dask cluster."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from kedro.io import AbstractDataset, DatasetError

from mayo_kedro.datasets.dask_connection import FIRST_WORKER_SECONDS, connect
from mayo_kedro.datasets.lent_workers import lend_workers
from mayo_kedro.datasets.machines import find_machines
from mayo_kedro.datasets.throughput import Throughput
from mayo_kedro.errors import UserError
from mayo_kedro.progress import progress

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK_SECONDS = 30
"""How often it is looked whether there still are workers."""


class Killed(str):
    """Why there is no result: whoever worked on it died."""


class Sized(Protocol):
    """Something that can be sent to a worker."""

    @property
    def size(self) -> int:
        """In bytes, for the display."""


Work = TypeVar("Work", bound=Sized)
Result = TypeVar("Result")


class SlideWorkers:
    """Runs a function on slides, in processes that may die."""

    def run(
        self,
        function: Callable[[Work], Result],
        slides: Sequence[Work],
        *,
        scheduler: str | None,
        workers: int | None,
    ) -> Iterator[tuple[Work, Result | str]]:
        """Work on all slides.

        A worker that dies is replaced and its slides are begun again. A slide whose worker dies again is
        tried alone at the end: another one may have been the cause. In a job on several machines the first
        one has a result of every slide; the others work for it, and have none.

        Args:
            function: is sent to the workers by its name.
            slides: in the order in which they are begun.
            scheduler: address of a Dask scheduler; None starts workers on this machine.
            workers: how many are started; None is one for each core.

        Yields:
            Each slide with what the function returned, or with the reason why it did not.

        Raises:
            UserError: the scheduler can't be reached, has no workers, or was lost.
        """
        machines = find_machines()
        if machines is not None and not machines.is_first:
            if scheduler is None:
                lend_workers(machines, workers)
        elif slides or machines is not None:  # the others wait for the first even where nothing is left to do
            with connect(scheduler, workers, len(slides), machines) as client:
                yield from _tell(client, function, slides)


def _tell(
    client: "Client", function: Callable[[Work], Result], slides: Sequence[Work]
) -> Iterator[tuple[Work, Result | str]]:
    throughput = Throughput(sum(slide.size for slide in slides))
    with progress("Slides", len(slides)) as advance:
        for slide, result in _finish(client, function, slides):
            throughput.add(slide.size)
            advance(1, f"{throughput.describe()}, {_describe_memory(client)}")
            yield slide, result


def _finish(
    client: "Client", function: Callable[[Work], Result], slides: Sequence[Work]
) -> Iterator[tuple[Work, Result | str]]:
    suspects = []
    for slide, result in _try_all(client, function, slides):
        if isinstance(result, Killed):
            suspects.append(slide)
        else:
            yield slide, result
    for slide in suspects:
        yield from _try_all(client, function, [slide])


def _try_all(
    client: "Client", function: Callable[[Work], Result], slides: Sequence[Work]
) -> Iterator[tuple[Work, Result | str]]:
    from distributed import CancelledError  # noqa: PLC0415

    # Without `pure` two runs on one cluster would share results.
    waiting = dict(zip(client.map(function, slides, pure=False), slides, strict=True))
    while waiting:
        for future in _wait(client, list(waiting)):
            try:
                result = _take(future)
            except CancelledError:
                raise _lost(client) from None
            except TimeoutError:  # its worker died before it was fetched: it is made again
                continue
            yield waiting.pop(future), result


def _wait(client: "Client", futures: list["Future"]) -> Iterable["Future"]:
    from distributed import CancelledError, wait  # noqa: PLC0415

    try:
        done: Iterable[Future] = wait(futures, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED").done
    except CancelledError:
        raise _lost(client) from None
    except TimeoutError:
        _require_workers(client)
        return ()
    return done


def _require_workers(client: "Client") -> None:
    """Refuse to wait for ever where the last worker has died and none takes its place."""
    if client.status != "running":
        raise _lost(client)
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
    except TimeoutError:
        raise UserError(
            f"No worker is left at the Dask scheduler {client.scheduler.address}.",
            "Start workers, or free some memory, and run again: the slides that were finished are kept.",
        ) from None


def _take(future: "Future") -> Any:
    from distributed import CancelledError, KilledWorker  # noqa: PLC0415

    try:
        return future.result(timeout=LOOK_SECONDS)
    except CancelledError:
        raise
    except KilledWorker as error:
        return Killed(f"{error.allowed_failures + 1} workers died of it, maybe for want of memory")
    except TimeoutError:
        if future.status == "error":
            return "it can't be worked on (TimeoutError)"
        raise
    except Exception as error:
        return f"it can't be worked on ({type(error).__name__}: {error})"


def _lost(client: "Client") -> UserError:
    return UserError(
        f"The Dask scheduler at {client.scheduler.address} was lost.",
        "Start it again, and run again: the slides that were finished are kept. Without "
        "slides.cluster.scheduler (conf/base/parameters_slides.yml) the workers are started here.",
    )


def _describe_memory(client: "Client") -> str:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    used = [worker["metrics"]["memory"] / 1e6 for worker in workers if worker.get("metrics")]
    return f"{len(used)} workers, {max(used, default=0):.0f} MB at most"


class SlideWorkersDataset(AbstractDataset[NoReturn, SlideWorkers]):
    """Loads `SlideWorkers`; no process is started before there is work."""

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def load(self) -> SlideWorkers:
        """Make it."""
        return SlideWorkers()

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse."""
        raise DatasetError("Workers can't be saved.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
