"""The Python of a job: this one's packages, and nothing else that this one can import."""

import sysconfig
import venv
from pathlib import Path

__all__ = ["make_python"]


def make_python(folder: Path) -> Path:
    """Make a virtual environment that borrows the packages of the running one.

    A line of a `.pth` file adds a folder to the path, but the `.pth` files in there are not read: what an
    editable install would add, such as the submitting checkout, is not there.

    Args:
        folder: where to make it.

    Returns:
        The folder that has to come first on PATH.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    places = {"base": str(folder), "platbase": str(folder)}
    own = Path(sysconfig.get_path("purelib", scheme="venv", vars=places))
    borrowed = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (own / "borrowed.pth").write_text("".join(f"{place}\n" for place in borrowed))
    return folder / "bin"
