"""The one workspace: its names, and what a client identifies by. They stay the same from start to start."""

import json
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

__all__ = ["LOCATION", "TENANT", "Workspace", "open_workspace"]

# the one tenant name for which MSAL trusts a login address that Microsoft does not list
TENANT = "adfs"
LOCATION = "loopback"


@dataclass(frozen=True)
class Workspace:
    """Names and credentials.

    Args:
        subscription: its id.
        group: the resource group.
        name: of the workspace.
        identity: what tells it from every other workspace, new with each state folder: the SDK keeps caches
            by it in the user's home.
        client: id of the service principal.
        secret: the password of that.
    """

    subscription: str
    group: str
    name: str
    identity: str
    client: str
    secret: str

    @property
    def scope(self) -> str:
        """The path of the workspace as a resource."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"


def open_workspace(
    folder: Path, subscription: str = "", group: str = "sandbox", workspace: str = "rehearsal"
) -> Workspace:
    """The workspace of a state folder, made on first use.

    Args:
        folder: keeps identity and credentials.
        subscription: its id; "" for one of this folder's own.
        group: the resource group.
        workspace: its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "workspace.json"
    with FileLock(folder / "lock"):
        if not kept.exists():
            kept.touch(mode=0o600)
            kept.write_text(json.dumps(_make_identity()))
    identity = json.loads(kept.read_text())
    identity["subscription"] = subscription or identity["subscription"]
    return Workspace(group=group, name=workspace, **identity)


def _make_identity() -> dict[str, str]:
    identities = {name: str(uuid.uuid4()) for name in ("subscription", "identity", "client")}
    return {**identities, "secret": secrets.token_hex(20)}
