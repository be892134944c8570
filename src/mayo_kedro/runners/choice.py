"""Which runner an environment of the configuration asks for."""

from typing import cast

from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.runner import AbstractRunner
from kedro.utils import load_obj


def make_runner(configuration: AbstractConfigLoader) -> AbstractRunner | None:
    """Make the runner of `runner.yml`.

    Args:
        configuration: of an environment.

    Returns:
        The runner named by `type`, made with the other fields; None if the environment has no such file.
    """
    try:
        options = dict(configuration["runner"])
    except MissingConfigException:
        return None
    return cast(AbstractRunner, load_obj(options.pop("type"), "kedro.runner")(**options))
