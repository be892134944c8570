"""What crosses between this machine and a job, and how; what can't is refused before anything is sent."""

import dataclasses
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.io import DataCatalog

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.crossings import NOT_FOR_DATA, Boundary, Crossing, Way
from mayo_kedro.runners.crossing.formats import UnpackableError, find_kind
from mayo_kedro.runners.crossing.locations import find_credentials, find_dataset, is_kept, list_files, locate
from mayo_kedro.runners.crossing.packing import DECLARE
from mayo_kedro.runners.crossing.resolved_parameters import is_parameter, merge, resolve_parameter
from mayo_kedro.runners.grouping import NodeGroup


def inspect_boundary(
    group: NodeGroup,
    catalog: DataCatalog,
    project: Path,
    awaited: Collection[str] = (),
    secrets: Collection[str] = (),
) -> Boundary:
    """Find out how each dataset of a group crosses.

    Args:
        group: nodes that run in one job.
        catalog: of the run.
        project: the project's folder.
        awaited: datasets that other nodes of this run make first: they need not be there yet.
        secrets: environment variables whose values reach the job.

    Returns:
        How everything crosses. Values in memory that are there already are looked at, not packed.

    Raises:
        UserError: something can't cross; all such datasets are named, each with what helps. A dataset with
            `versioned: true` can't: the two sides would not mean the same version.
    """
    inspection = _Inspection(catalog, Path(os.path.abspath(project)), awaited, secrets)
    names = [name for name in group.inputs if not is_parameter(name)]
    inputs = [inspection.judge(name, inspection.judge_input) for name in names]
    outputs = [inspection.judge(name, inspection.judge_output) for name in group.outputs]
    parameters = inspection.read_parameters([name for name in group.inputs if is_parameter(name)])
    if inspection.problems:
        told = "\n".join(f"- {problem}" for problem in inspection.problems)
        raise UserError(
            f"Not everything that {group.name} needs or makes can travel to a job:\n{told}",
            "Mend these and run again; nothing was sent.",
        )
    return Boundary(tuple(filter(None, inputs)), tuple(filter(None, outputs)), parameters)


class _CannotCrossError(Exception):
    """Says why, and what helps."""


@dataclass
class _Inspection:
    catalog: DataCatalog
    project: Path
    awaited: Collection[str]
    secrets: Collection[str]
    problems: list[str] = field(default_factory=list)

    def judge(self, name: str, judge_one: Callable[[str], Crossing]) -> Crossing | None:
        try:
            return judge_one(name)
        except _CannotCrossError as problem:
            self.problems.append(f"{name}: {problem}")
            return None

    def judge_input(self, name: str) -> Crossing:
        crossing = self.judge_output(name)
        if crossing.way is Way.PACKED and name not in self.awaited:
            self._require_packable(name)
        if crossing.way is not Way.FILE or name in self.awaited:
            return crossing
        files = list_files(locate(find_dataset(self.catalog, name)))
        if not files:
            raise _CannotCrossError(
                f"{crossing.path} is missing. Run the pipeline that makes it first, or correct its path."
            )
        relative = tuple(self._relate(file).as_posix() for file in files)
        return dataclasses.replace(crossing, files=relative)

    def judge_output(self, name: str) -> Crossing:
        if not is_kept(self.catalog, name):
            return Crossing(name, Way.PACKED)
        dataset = find_dataset(self.catalog, name)
        location = locate(dataset)
        if location.versioned:
            raise _CannotCrossError(
                "it is versioned, and this machine and the job would not mean the same version. "
                "Take `versioned: true` from its entry in the catalog."
            )
        if location.path is not None:
            path = self._relate(location.path).as_posix()
            return Crossing(name, Way.FILE, path, location.suffix)
        if location.protocol == "memory":
            raise _CannotCrossError(f"it lies in this process's memory. {DECLARE}")
        self._require_login(find_credentials(dataset))
        return Crossing(name, Way.REACHABLE if location.protocol else Way.HANDLE)

    def read_parameters(self, names: list[str]) -> dict[str, Any]:
        gathered: dict[str, Any] = {}
        for name in names:
            try:
                merge(gathered, resolve_parameter(self.catalog, name))
            except UnpackableError as problem:
                self.problems.append(f"{name}: {problem}. Give it as text, number, list or mapping.")
        return gathered

    def _relate(self, path: Path) -> Path:
        # Links are not followed: data/ may be one to a larger disk.
        place = Path(os.path.abspath(path))
        bases = [base for base in (self.project, self.project.resolve()) if place.is_relative_to(base)]
        relative = place.relative_to(bases[0]) if bases else place
        if not bases or relative.parts[0] in NOT_FOR_DATA:
            where = f"in {relative.parts[0]}/" if bases else f"outside of the project's folder {self.project}"
            raise _CannotCrossError(
                f"{path} is {where}. Move it below data/ there, or put it into the repository, and change "
                "its entry in the catalog."
            )
        return relative

    def _require_packable(self, name: str) -> None:
        if not self.catalog.exists(name):
            raise _CannotCrossError(
                "nothing makes it, and the catalog does not declare it. Declare it there."
            )
        try:
            find_kind(self.catalog.load(name))
        except UnpackableError as problem:
            raise _CannotCrossError(f"it is in memory only, and {problem}. {DECLARE}") from None

    def _require_login(self, credentials: Mapping[str, Any]) -> None:
        travelling = {os.environ.get(name) for name in self.secrets}
        for key, value in credentials.items():
            if _SECRET_FIELD.search(key) and value not in (None, "") and value not in travelling:
                raise _CannotCrossError(
                    f"it logs in with `{key}`, which does not travel. Take the value from an environment "
                    "variable with ${oc.env:NAME,null} in conf/base/credentials.yml, and name it in "
                    "`secrets` of conf/azure/azureml.yml."
                )


_SECRET_FIELD = re.compile(
    r"token|key|secret|password|passwd|passphrase|signature|sas|connection_string", re.I
)
