"""A program in a terminal of its own, for tests that type."""

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import time

PATIENCE_S = 300.0


class Terminal:
    """Runs Python with a script in a terminal; what it shows is read as it comes."""

    def __init__(self, *arguments: str, folder, variables=None) -> None:
        self.shown = ""
        self._descriptor, other = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", **(variables or {})}
        # The new session takes the first terminal that its leader opens. Ctrl-C counts there, even if the
        # tests were started to ignore it, as shells do for what runs in the background.
        opened = (
            "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
            "os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.executable, sys.argv[1:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", opened, sys.executable, *arguments],
            cwd=folder,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)

    def press(self, keys: str) -> None:
        """Type; "\\x03" is Ctrl-C."""
        os.write(self._descriptor, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until the program ends, as people do.

        Python misses one that comes just before it waits for a line, and goes on to wait.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.press("\x03")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
                return

    def wait_for(self, text: str) -> None:
        """Read until a text is shown that was not waited for before."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in plain(self.shown):
            assert time.monotonic() < deadline, f"{text!r} is not in {self.shown!r}"
            if not self._read():
                assert text in plain(self.shown), self.shown
                break
        self.shown = plain(self.shown).split(text, 1)[1]

    def end(self) -> tuple[int, str]:
        """Wait for the end: exit code, and what was shown last."""
        while self._read():
            pass
        os.close(self._descriptor)
        return self.process.wait(PATIENCE_S), plain(self.shown)

    def _read(self) -> bool:
        if not select.select([self._descriptor], [], [], PATIENCE_S)[0]:
            self.process.kill()
            raise AssertionError(f"Nothing more is shown after {self.shown!r}")
        try:
            content = os.read(self._descriptor, 4096)
        except OSError:  # the program has ended
            return False
        self.shown += content.decode(errors="replace")
        return bool(content)


def plain(text: str) -> str:
    """Text without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
