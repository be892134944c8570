"""Which folds have a node: Kedro makes pipelines without parameters, so a hook reads these first."""

from collections.abc import Mapping
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from pydantic import ValidationError

REGISTRY = "mayo_kedro.pipeline_registry"

_selected: tuple[int, ...] = (0,)


def selected_folds() -> tuple[int, ...]:
    """The folds that the parameters of this process's last context selected; without one the first."""
    return _selected


class SelectedFoldsHooks:
    """Has the pipelines made for the folds that the configuration and `--params` select.

    `kedro run` and notebooks make a context before they ask for pipelines. Kedro-Viz calls hooks only with
    `--include-hooks`; else it draws the first fold, which stands for the others. A fold that is not selected
    has no node, so that nobody pays for a job that would do nothing.
    """

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Look which folds are selected, and have pipelines that were made for others made again."""
        global _selected  # noqa: PLW0603  Kedro calls `register_pipelines` without arguments
        folds = find_selected_folds(context.config_loader["parameters"])
        if folds != _selected:
            _selected = folds
            pipelines.configure(REGISTRY)


def find_selected_folds(parameters: Mapping[str, Any]) -> tuple[int, ...]:
    """Read the selected folds from the parameters.

    Args:
        parameters: as configured, not validated.

    Returns:
        The numbers of the folds; (0,) where the settings are wrong, which Kedro will tell right after.
    """
    # Pandas comes along, which not every command needs.
    from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.parameters import ModellingParameters  # noqa: PLC0415

    try:
        modelling = ModellingParameters(**parameters.get("modelling", {}))
        processing = DataProcessingParameters(**parameters.get("data_processing", {}))
    except (ValidationError, TypeError):
        return (0,)
    return tuple(range(processing.split.folds)) if modelling.folds == "all" else modelling.folds
