"""What a job writes shows none of its secrets."""

import io
import logging

from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.runners.in_job.scrubbed_stream import ScrubbedStream
from mayo_kedro.runners.watching.job_log import HIDDEN

SECRET = "a-long-token"


@given(st.lists(st.text() | st.just(SECRET), max_size=5))
def test_secrets_are_hidden_and_all_else_is_kept(parts):
    written = io.StringIO(newline="")
    text = "".join(parts)
    assert ScrubbedStream(written, [SECRET]).write(text) == len(text)
    assert SECRET not in written.getvalue()
    assert written.getvalue() == text.replace(SECRET, HIDDEN)


def test_logging_and_print_go_through_it():
    written = io.StringIO()
    stream = ScrubbedStream(written, [SECRET])
    handler = logging.StreamHandler(stream)
    handler.emit(logging.LogRecord("job", logging.INFO, "", 0, "token=%s", (SECRET,), None))
    print(f"Bearer {SECRET}", file=stream)
    stream.writelines([SECRET, "\n"])
    assert written.getvalue() == f"token={HIDDEN}\nBearer {HIDDEN}\n{HIDDEN}\n"
    assert not stream.isatty()
