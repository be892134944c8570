"""The check of the parameters: those of all pipelines, as a run would take them."""

import logging

from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Setup


def look_at_parameters(setup: Setup) -> Found:
    """Let Kedro hold them against the pipelines' models."""
    from kedro.framework.project import pipelines  # noqa: PLC0415
    from kedro.validation.parameter_validator import ParameterValidator  # noqa: PLC0415

    # It logs what it raises as well.
    logging.getLogger("kedro.validation").setLevel(logging.CRITICAL)
    ParameterValidator(dict(pipelines)).validate_raw_params(setup.configuration["parameters"])
    yield Level.OK, f"those of {len(set(pipelines) - {'__default__'})} pipelines are valid", ""


CHECKS = (Check("Parameters", look_at_parameters),)
