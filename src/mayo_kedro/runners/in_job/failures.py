"""Why a job failed, kept for the sender: outputs/results/failure.json."""

import os
import shutil
import traceback
from collections.abc import Collection
from pathlib import Path

from mayo_kedro.mistakes import find_mistake
from mayo_kedro.runners.crossing.manifest import Failure, write_atomically
from mayo_kedro.runners.in_job.job_folder import FAILURE, RESULTS
from mayo_kedro.runners.sending.scanning import OUR_SECRETS
from mayo_kedro.runners.watching.job_log import Scrubber

_TOKENS_OF_THE_SERVICE = ("AZUREML_RUN_TOKEN", "MLFLOW_TRACKING_TOKEN")


def forget_results(folder: Path) -> None:
    """Remove what an earlier start of the same job left of its results; its checkpoints stay.

    Args:
        folder: the job's working folder.
    """
    shutil.rmtree(folder / RESULTS, ignore_errors=True)


def record_failure(
    error: BaseException, folder: Path, *, node: str = "", secrets: Collection[str] = ()
) -> None:
    """Write down an error, the first of a job only: what follows it is its consequence.

    Args:
        error: what ended the job; an exit with code 0 is none.
        folder: the job's working folder.
        node: name of the node that ran.
        secrets: environment variables whose values must not be written down.
    """
    over = isinstance(error, SystemExit) and error.code in (0, None)
    if over or (folder / FAILURE).exists():
        return
    mistake = find_mistake(error)
    # A mistake says all in its words; where in the program it was noticed helps nobody.
    in_words = mistake is not None or isinstance(error, SystemExit)
    failure = Failure(
        type=type(mistake or error).__name__,
        message=_hide(str(mistake or _describe(error)), secrets),
        traceback="" if in_words else _hide("".join(traceback.format_exception(error)), secrets),
        node=node,
    )
    write_atomically(failure, folder / FAILURE)


def _describe(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        # The command line has told why, and keeps only its exit code.
        return f"kedro run ended with exit code {error.code}; the last lines of the log say why."
    return str(error)


def _hide(text: str, secrets: Collection[str]) -> str:
    names = (*secrets, *OUR_SECRETS, *_TOKENS_OF_THE_SERVICE)
    return Scrubber([os.environ.get(name, "") for name in names])(text)
