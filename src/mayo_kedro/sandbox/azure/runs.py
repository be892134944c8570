"""The history of runs: what is known of each, and how that changes."""

import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mayo_kedro.sandbox.azure.records import Records

__all__ = ["ENDED", "Runs", "find_container", "now"]

ENDED = ("Completed", "Failed", "Canceled")
# of what a client says of a run: what simply takes the place of what was there
REPLACED = ("name", "displayName", "description", "status", "startTimeUtc", "endTimeUtc", "hidden", "target")
# of a run's record: what is not told with it
KEPT_BACK = ("definition", "parameters", "service", "snapshot")


def now() -> str:
    """The time, as it is written everywhere."""
    return datetime.now(UTC).isoformat()


def find_container(run: str) -> str:
    """The name by which the artifacts of a run go."""
    return f"dcid.{run}"


class Runs:
    """Experiments and runs.

    Args:
        experiments: keeps the former.
        records: keeps the latter.
        find_addresses: addresses that belong to the description of a run, by experiment and run.
    """

    def __init__(
        self,
        experiments: Records,
        records: Records,
        find_addresses: Callable[[str, str], Mapping[str, str]],
    ) -> None:
        self._experiments = experiments
        self._records = records
        self._find_addresses = find_addresses
        self._lock = threading.RLock()

    def open_experiment(self, name: str) -> dict[str, Any]:
        """An experiment, made if need be."""
        with self._lock:
            if known := self._experiments.get(name):
                return known
            experiment = {"experimentId": str(uuid.uuid4()), "name": name, "createdUtc": now(), "tags": {}}
            self._experiments.put(name, experiment)
            return experiment

    def find_experiment(self, *, name: str = "", identity: str = "") -> dict[str, Any] | None:
        """An experiment, by its name or its id."""
        if name:
            return self._experiments.get(name)
        return next((one for one in self._experiments if one["experimentId"] == identity), None)

    def list_experiments(self) -> list[dict[str, Any]]:
        """All experiments."""
        return list(self._experiments)

    def keep_experiment(self, experiment: dict[str, Any]) -> None:
        """Keep what has been changed in an experiment."""
        self._experiments.put(experiment["name"], experiment)

    def find(self, run: str) -> dict[str, Any] | None:
        """The record of a run."""
        return self._records.get(run)

    def find_all(self, experiment: str = "") -> list[dict[str, Any]]:
        """The records of all runs, or of those of an experiment; the newest first."""
        runs = [run for run in self._records if experiment in ("", run["experiment"])]
        return sorted(runs, key=lambda run: (run["createdUtc"], run["runNumber"]), reverse=True)

    def make(self, experiment: str, run: str, **facts: Any) -> tuple[dict[str, Any], bool]:
        """A run, and whether it is new: a run that is there already stays as it is.

        Args:
            experiment: its name.
            run: the id.
            facts: what else is known of it.
        """
        with self._lock:
            if known := self._records.get(run):
                return known, False
            parent = self._records.get(facts.get("parentRunId") or "")
            record = {
                "runId": run,
                "runNumber": len(list(self._records)) + 1,
                "experiment": experiment,
                "experimentId": self.open_experiment(experiment)["experimentId"],
                "rootRunId": parent["rootRunId"] if parent else run,
                "dataContainerId": find_container(run),
                "status": "NotStarted",
                "runType": "",
                "createdUtc": now(),
                "properties": {},
                "tags": {},
                "parameters": {},
                **facts,
            }
            self._records.put(run, record)
            return record, True

    def change(self, run: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Take over what a client or a job says of a run.

        Args:
            run: one that is there.
            changes: in the names of the protocol; properties stay as they are once set, tags are replaced.

        Returns:
            Its record.
        """
        with self._lock:
            record = self._records.get(run)
            if record is None:
                raise KeyError(run)
            record.update({name: changes[name] for name in REPLACED if changes.get(name) is not None})
            record["properties"] = {**(changes.get("properties") or {}), **record["properties"]}
            record["tags"] = {**record["tags"], **(changes.get("tags") or {})}
            for name in ("error", "parameters"):
                if changes.get(name):
                    record[name] = {**(record.get(name) or {}), **changes[name]}
            self._records.put(run, record)
            return record

    def set_status(self, run: str, status: str, **facts: Any) -> None:
        """Move a run on; one that has ended stays as it is."""
        with self._lock:
            record = self._records.get(run)
            if record is None or record["status"] in ENDED:
                return
            started = {} if record.get("startTimeUtc") or status != "Running" else {"startTimeUtc": now()}
            ended = {"endTimeUtc": now()} if status in ENDED else {}
            record.update({"status": status, **started, **ended, **facts})
            self._records.put(run, record)

    def drop_tags(self, run: str, tags: list[str]) -> dict[str, Any]:
        """Take tags away from a run; answers its record."""
        with self._lock:
            record = self._records.get(run)
            if record is None:
                raise KeyError(run)
            record["tags"] = {name: value for name, value in record["tags"].items() if name not in tags}
            self._records.put(run, record)
            return record

    def describe(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What a client is told of a run."""
        with self._lock:
            told = {name: value for name, value in record.items() if name not in KEPT_BACK}
        owner = {"userObjectId": "sandbox", "userTenantId": "sandbox", "userName": "sandbox"}
        return {**told, "createdBy": owner, **self._find_addresses(record["experiment"], record["runId"])}
