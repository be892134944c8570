"""What a job left: its metrics, and the addresses of its files."""

from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.failures import status_of

# The service keeps what runs leave under this name.
_ORIGIN = "ExperimentRun"


def read_metrics(run: Any) -> dict[str, float | list[float]]:
    """Read the numbers that a run logged; tables and pictures are left out.

    Args:
        run: the SDK's.

    Returns:
        By name; a list where a name was logged repeatedly.
    """
    logged = {name: _numbers(given) for name, given in run.get_metrics().items()}
    return {name: value for name, value in logged.items() if value is not None}


def find_address(run: Any, path: str) -> str:
    """Get a signed address of one of a run's files; it is valid for some hours.

    Args:
        run: the SDK's.
        path: of the file, such as outputs/model.keras.

    Raises:
        UserError: the run left no such file.
    """
    try:
        # The SDK's own download keeps a whole file in memory and starts again after a cut.
        return str(run._client.artifacts.get_file_uri(_ORIGIN, run._container, path))
    except Exception as error:
        if status_of(error) == 404:
            raise UserError(
                f"The job {run.id} left no file {path!r}.", f"`kedro azure files {run.id}` lists its files."
            ) from None
        raise


def _numbers(given: Any) -> float | list[float] | None:
    if isinstance(given, int | float):
        return float(given)
    if isinstance(given, list) and all(isinstance(value, int | float) for value in given):
        return [float(value) for value in given]
    return None
