"""Where jobs run on this machine: a temporary folder, with their Python, that goes when the service goes."""

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from mayo_kedro.sandbox.azure import warden
from mayo_kedro.sandbox.azure.job_python import make_python

__all__ = ["Workplace"]


class Workplace:
    """The folder, and the guard over it.

    Args:
        roots: the certificates that jobs trust, as PEM.

    Attributes:
        programs: the folder of the jobs' Python, to come first on PATH.
        roots: the file of these certificates.
    """

    def __init__(self, roots: bytes) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sandbox-azure-"))
        self.programs = make_python(self._folder / "python")
        self.roots = self._folder / "roots.pem"
        self.roots.write_bytes(roots)
        self._lock = threading.Lock()
        command = [sys.executable, "-I", "-S", warden.__file__, str(self._folder)]
        # in a session of its own: Ctrl-C must not end it before its time
        self._warden = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)

    def make_folder(self) -> Path:
        """An empty folder for a job."""
        return Path(tempfile.mkdtemp(prefix="job-", dir=self._folder))

    def note(self, group: int, *, running: bool) -> None:
        """Note that a process group has been started, or has ended."""
        assert self._warden.stdin is not None  # noqa: S101 - it is a pipe; tells mypy
        with self._lock:
            self._warden.stdin.write(f"{'+' if running else '-'}{group}\n")
            self._warden.stdin.flush()

    def close(self) -> None:
        """End what still runs, and remove the folder."""
        assert self._warden.stdin is not None  # noqa: S101 - it is a pipe; tells mypy
        self._warden.stdin.close()
        self._warden.wait()
