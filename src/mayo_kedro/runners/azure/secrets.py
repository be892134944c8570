"""Names of secrets, as a key vault takes them."""

import re


def vault_name(name: str) -> str:
    """Turn a name into one of letters, digits and hyphens, the same here and in the job.

    Args:
        name: such as a run's id and a variable's name; differs from others in letters and digits.
    """
    return re.sub("[^0-9a-zA-Z-]", "-", name)
