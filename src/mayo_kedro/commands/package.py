"""`kedro package`, without what git ignores in conf/."""

import sys
import tarfile
from pathlib import Path, PurePosixPath

import click
from kedro.framework.cli.utils import call
from kedro.framework.startup import ProjectMetadata

ARCHIVE = "dist/conf-mayo_kedro.tar.gz"


@click.command()
@click.pass_obj
def package(metadata: ProjectMetadata) -> None:
    """Make a wheel of the project, and an archive of its configuration, both in dist/.

    Kedro's own command also archives conf/azure/credentials.yml, which may hold a password. Here conf/local/
    and every credentials.yml but that of conf/base/, which only names variables, are left out.
    """
    project = Path(metadata.project_path)
    call([sys.executable, "-m", "build", "--wheel", "--outdir", "dist"], cwd=str(project))
    archive_configuration(project)


def archive_configuration(project: Path) -> Path:
    """Put conf/ into an archive, but for secrets and what is only for this machine.

    Args:
        project: the project's folder.

    Returns:
        The archive.
    """
    archive = project / ARCHIVE
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(project / "conf", "conf", filter=_leave_out_secrets)
    return archive


def _leave_out_secrets(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    path = PurePosixPath(member.name)
    environment = path.parts[1] if len(path.parts) > 1 else ""
    is_secret = path.stem == "credentials" and environment != "base"
    return None if environment == "local" or is_secret else member
