"""The command line of the service: its options, and the environment of a command run next to it."""

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from mayo_kedro.sandbox.azure.knobs import KNOBS, NAMES, convert
from mayo_kedro.sandbox.buckets import Bucket, parse_bucket
from mayo_kedro.sandbox.proxies import exempt_loopback

__all__ = ["describe_exports", "make_environment", "parse", "read_exports"]

DESCRIPTION = """Start a stand-in for DagsHub on this machine, with a repository in it, and one for Azure ML,
which runs what is sent to it on this machine."""
EPILOG = """A real clone needs the token: git clone http://OWNER:TOKEN@127.0.0.1:PORT/OWNER/NAME.git; for
dvc pull, dvc remote modify --local origin auth basic; the same for user OWNER and password TOKEN, and for
url http://127.0.0.1:PORT/OWNER/NAME.dvc if the service has moved to another port since its first start."""


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and the command after `--`."""
    own = list(arguments)
    command: list[str] = []
    if "--" in own:
        at = own.index("--")
        own, command = own[:at], own[at + 1 :]
    options = _make_parser().parse_args(own)
    drawn = "slides" if options.slides else "sample"
    options.state = options.state or Path(".sandbox", options.seed.resolve().name if options.seed else drawn)
    return options, command


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m mayo_kedro.sandbox",
        description=DESCRIPTION,
        epilog=f"{EPILOG}\n\n{_describe_settings()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="on loopback; 0: the one used last, or a free one")
    add("--state", type=Path, help="the folder that keeps everything (.sandbox/sample, slides or SEED)")
    content = parser.add_mutually_exclusive_group()
    about = "a folder to fill the repository from, instead of the sample"
    content.add_argument("--seed", type=_existing_folder, help=about)
    content.add_argument("--slides", action="store_true", help="the sample as whole slides, in TIFF")
    add("--owner", default="sandbox", help="of the repository, and the one user (%(default)s)")
    add("--name", default="clots", help="of the repository (%(default)s)")
    add("--latency-ms", type=float, default=0.0, help="before the first byte of each answer")
    add("--mbit-per-s", type=float, help="of the line that all connections share")
    add("--ranges", action="store_true", help="let files be asked for in part")
    about = "connect a folder as a storage bucket, as s3/slides=FOLDER; repeatable"
    add("--bucket", type=_bucket, action="append", default=[], metavar="PROTOCOL/NAME=FOLDER", help=about)
    about = "a setting of the stand-in for Azure ML, see below; repeatable"
    add("--azure", type=_azure_setting, action="append", default=[], metavar="NAME=VALUE", help=about)
    add("--with-azure", action="store_true", help=argparse.SUPPRESS)
    add("--attached", type=int, metavar="PARENT", help=argparse.SUPPRESS)
    return parser


def _existing_folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return folder


def _bucket(text: str) -> Bucket:
    try:
        return parse_bucket(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _azure_setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    try:
        if name not in NAMES:
            convert(name, value)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return name, value


def _describe_settings() -> str:
    settings = {**NAMES, **{name: about for name, (_, about) in KNOBS.items()}}
    return "settings of --azure:\n" + "".join(f"  {name:20}{about}\n" for name, about in settings.items())


def read_exports(host: str, token: str, repository: str) -> dict[str, str]:
    """The variables by which the clients find the service."""
    return {"DAGSHUB_CLIENT_HOST": host, "DAGSHUB_USER_TOKEN": token, "MAYO_KEDRO_SANDBOX": repository}


def describe_exports(exports: Mapping[str, str]) -> str:
    """The lines to give to a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items())


def make_environment(
    exports: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment for a command next to the service; no proxy stands between the two."""
    return {**environment, **exempt_loopback(environment), **exports}
