"""The door to azureml: what has to be set before it is imported, and the import itself."""

import logging
import os
import threading
from importlib import import_module
from typing import Any

# Read while azureml is imported, or each time one logs in.
_VARIABLES = {
    "AZUREML_CURRENT_CLOUD": "AzureCloud",  # or every login first asks the public cloud for a list of clouds
    "AZUREML_DEFAULT_503_BACKOFF": "2",  # seconds, doubled each time; else a random number up to 10
}
# They report what the error that follows says again, with addresses that let anybody read the job's files.
_TALKATIVE = ("azureml", "azure", "msrest", "msal", "cli", "urllib3")

_importing = threading.Lock()


def load_sdk(module: str = "core") -> Any:
    """Import a part of azureml, which takes seconds the first time.

    Args:
        module: such as "core" or "core.compute".
    """
    with _importing:
        for name, value in _VARIABLES.items():
            os.environ.setdefault(name, value)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return import_module(f"azureml.{module}")
