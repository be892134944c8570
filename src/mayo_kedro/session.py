"""A Kedro session that takes its runner from the configuration, and ends well: mistakes in words."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from kedro.framework.project import settings
from kedro.framework.session import KedroSession
from kedro.runner import AbstractRunner

from mayo_kedro.interrupts import noticed_interrupts
from mayo_kedro.mistakes import find_mistake, require_environment, require_parameters
from mayo_kedro.repository_settings import job_variables, mention_sample
from mayo_kedro.runners.choice import make_runner
from mayo_kedro.runners.run_context import NeedsRunContext, RunContext


class MayoSession(KedroSession):
    """Runs pipelines with the environment's runner; on the command line mistakes are told in words."""

    def run(self, *args: Any, runner: AbstractRunner | None = None, **kwargs: Any) -> dict[str, Any]:
        """Run a pipeline, see `KedroSession.run`.

        Args:
            args: see there.
            runner: None, or one that the command line has filled in without being told to, is the one of
                `runner.yml` in the environment's configuration.
            kwargs: see there.

        Raises:
            UserError: a mistake that the user can mend; on the command line it becomes a message and
                exit code 1.
        """
        with noticed_interrupts():
            return self._run(args, runner, kwargs)

    def _run(
        self, args: tuple[Any, ...], runner: AbstractRunner | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            self._require_known_names()
            if runner is None or _is_runner_left_open():
                runner = make_runner(self._get_config_loader()) or runner
            if isinstance(runner, NeedsRunContext):
                runner.bind(self._describe_run(args, kwargs))
            with _tracked_once():
                return dict(super().run(*args, **{**kwargs, "runner": runner}))
        except KeyboardInterrupt:
            # Kedro fires no hook on Ctrl-C, and MLflow would call the run FINISHED when Python exits.
            _end_tracked_runs("KILLED")
            raise
        except Exception as error:
            mistake = find_mistake(error)
            if mistake is None:
                raise
            mistake = mention_sample(mistake)
            if click.get_current_context(silent=True) is None:
                raise mistake from None
            raise click.ClickException(str(mistake)) from None

    def _require_known_names(self) -> None:
        environment, folder = self.store.get("env"), Path(self._conf_source)
        if not folder.is_dir():
            return
        if environment:
            require_environment(folder, environment)
        require_parameters(folder, self.store.get("runtime_params") or {})

    def _describe_run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> RunContext:
        alone = args[0] if args else kwargs.get("pipeline_name")
        return RunContext(
            project=Path(self._project_path),
            environment=self.store.get("env") or str(settings.CONFIG_LOADER_ARGS["default_run_env"]),
            configuration=self._get_config_loader(),
            pipelines=[alone] if alone else list(kwargs.get("pipeline_names") or ()),
            parameters=self.store.get("runtime_params") or {},
            job_variables=job_variables,
        )


def _is_runner_left_open() -> bool:
    """Whether a `kedro run` on the command line says nothing of a runner: Kedro then fills one in."""
    context = click.get_current_context(silent=True)
    return context is not None and all(
        context.get_parameter_source(option) is ParameterSource.DEFAULT
        for option in ("runner", "runner_params", "is_async")
    )


@contextmanager
def _tracked_once() -> Iterator[None]:
    """Leave no MLflow run open that was not: a next `session.run` in a notebook would go on in it."""
    mlflow = sys.modules.get("mlflow")
    is_a_users = mlflow is not None and mlflow.active_run() is not None
    yield
    if not is_a_users:
        _end_tracked_runs("FINISHED")


def _end_tracked_runs(status: str) -> None:
    mlflow = sys.modules.get("mlflow")
    # kedro-mlflow opens the run again before each node: it is active as often.
    while mlflow is not None and mlflow.active_run() is not None:
        mlflow.end_run(status)
