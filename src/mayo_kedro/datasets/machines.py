"""The machines of a job that works on several, as the environment tells of them."""

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mayo_kedro.runners.sending.cluster_key import CLUSTER_KEY

if TYPE_CHECKING:
    from distributed.security import Security


@dataclass(frozen=True)
class Machines:
    """The machines of a job.

    Attributes:
        addresses: host and port of each, at which nobody else listens.
        number: of this machine, from 0.
    """

    addresses: tuple[str, ...]
    number: int

    @property
    def is_first(self) -> bool:
        """Whether this is the machine that the others help."""
        return self.number == 0

    @property
    def first_host(self) -> str:
        """Of the first machine."""
        return self.addresses[0].rpartition(":")[0]

    @property
    def first_port(self) -> int:
        """At which the first machine's scheduler listens."""
        return int(self.addresses[0].rpartition(":")[2])

    @property
    def own_host(self) -> str:
        """Of this machine, as the others reach it."""
        return self.addresses[self.number].rpartition(":")[0]


def find_machines() -> Machines | None:
    """Read TF_CONFIG, which a job on several machines has; None where there is one machine."""
    told = json.loads(os.environ.get("TF_CONFIG") or "{}")
    addresses = tuple(told.get("cluster", {}).get("worker", ()))
    return Machines(addresses, int(told["task"]["index"])) if len(addresses) > 1 else None


def read_key() -> "Security":
    """By what the machines know one another: both sides of each connection have to show it.

    Raises:
        KeyError: the job was sent without one.
    """
    from distributed.security import Security  # noqa: PLC0415

    key = os.environ[CLUSTER_KEY]  # Dask takes the text where it would take a file's name
    roles = ("client", "scheduler", "worker")
    shown = {f"tls_{role}_{part}": key for role in roles for part in ("cert", "key")}
    return Security(require_encryption=True, tls_ca_file=key, **shown)
