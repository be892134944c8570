"""A job's log: which file it is, and what is new in it."""

import re
import threading
from collections.abc import Callable, Mapping

import requests

from mayo_kedro.runners.azure.blobs import AddressExpiredError, read_from, read_start
from mayo_kedro.runners.job import LogPart

# One machine writes std_log.txt; several std_log_process_0.txt, std_log_process_1.txt, …; older
# workspaces 70_driver_log.txt and 70_driver_log_worker_0.txt.
_LOG = re.compile(
    r"user_logs/std_log\D*?(?:_(?P<rank>\d+))?\.txt|azureml-logs/70_driver_log\D*?(?:_(?P<worker>\d+))?\.txt"
)


def choose_log(paths: Mapping[str, str] | list[str]) -> str | None:
    """Choose the file with the program's output; of several machines that of the chief.

    Args:
        paths: of all log files of the job.

    Returns:
        Its path; None if the job has not written anything yet.
    """
    found = []
    for path in paths:
        match = _LOG.fullmatch(path)
        if match and "_ps_" not in path:
            found.append((path.startswith("azureml-logs"), int(match["rank"] or match["worker"] or -1), path))
    return min(found)[2] if found else None


class Logs:
    """Reads the logs of jobs; keeps their addresses until they expire.

    Args:
        session: keeps connections open.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._addresses: dict[str, str] = {}
        self._keeping = threading.Lock()

    def keep(self, run_id: str, addresses: Mapping[str, str]) -> str | None:
        """Take the address of a job's log from those of all its log files.

        Args:
            run_id: of the job.
            addresses: by path.

        Returns:
            The address; None if there is no log yet.
        """
        path = choose_log(addresses)
        with self._keeping:
            if path is None:
                self._addresses.pop(run_id, None)
                return None
            self._addresses[run_id] = addresses[path]
            return addresses[path]

    def read(
        self, run_id: str, position: int, seen: bytes, ask_addresses: Callable[[], Mapping[str, str]]
    ) -> LogPart:
        """Read what is new.

        Args:
            run_id: of the job.
            position: bytes read so far.
            seen: the first of these bytes.
            ask_addresses: gets the addresses of the job's log files.

        Raises:
            BlobError: the storage failed.
        """
        with self._keeping:
            address = self._addresses.get(run_id)
        if address is not None:
            try:
                return self._read(address, position, seen)
            except AddressExpiredError:
                pass
        address = self.keep(run_id, ask_addresses())
        return LogPart(b"") if address is None else self._read(address, position, seen)

    def _read(self, address: str, position: int, seen: bytes) -> LogPart:
        content, size = read_from(self._session, address, position)
        # The start is looked at last: a log that begins as before now did so while it was read, too.
        if size >= position and read_start(self._session, address, len(seen) or 1)[: len(seen)] == seen:
            return LogPart(content)
        return LogPart(read_from(self._session, address, 0)[0], restarted=True)
