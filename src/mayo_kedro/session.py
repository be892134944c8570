"""A Kedro session that ends well: users' mistakes in words, Ctrl-C as KILLED."""

import sys
from pathlib import Path
from typing import Any

import click
from kedro.framework.session import KedroSession

from mayo_kedro.errors import UserError
from mayo_kedro.mistakes import find_mistake


class MayoSession(KedroSession):
    """Runs pipelines; on the command line a user's mistake is told without a traceback."""

    def run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run a pipeline, see `KedroSession.run`.

        Raises:
            UserError: a mistake that the user can mend; on the command line it becomes a message and
                exit code 1.
        """
        try:
            self._require_environment()
            return dict(super().run(*args, **kwargs))
        except KeyboardInterrupt:
            _mark_killed()
            raise
        except Exception as error:
            mistake = find_mistake(error)
            if mistake is None:
                raise
            if click.get_current_context(silent=True) is None:
                raise mistake from None
            raise click.ClickException(str(mistake)) from None

    def _require_environment(self) -> None:
        """Refuse a misspelt environment, which Kedro would read as an empty one."""
        environment, folder = self.store.get("env"), Path(self._conf_source)
        if environment and folder.is_dir() and not (folder / environment).is_dir():
            known = sorted(path.name for path in folder.iterdir() if path.is_dir())
            raise UserError(
                f"There is no environment {environment!r}: {folder} has {', '.join(known)}.",
                "Choose one of these with --env or KEDRO_ENV, or make the folder.",
            )


def _mark_killed() -> None:
    # Kedro fires no hook on Ctrl-C, and MLflow would call the run FINISHED when Python exits.
    mlflow = sys.modules.get("mlflow")
    # kedro-mlflow opens the run again before each node: it is active as often.
    while mlflow is not None and mlflow.active_run() is not None:
        mlflow.end_run("KILLED")
