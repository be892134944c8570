"""What is measured: the links, the loads, and how much of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

BATCH_SIZE = 16
EPOCHS = 2
IMAGE_SIDE = 512
STEP_SECONDS = 0.112
"""The time of a training step, which is slept: 143 images a second."""

SHARD_MEGABYTES = (8, 64)

NOMINAL_ROUND_TRIPS = 2
"""What the physical limit grants: one to learn what there is, one to ask for it."""


@dataclass(frozen=True)
class Link:
    """A line to the service.

    Attributes:
        round_trip_seconds: before the first byte of each answer.
        megabits_per_second: shared by all connections.
    """

    round_trip_seconds: float
    megabits_per_second: float

    @property
    def bytes_per_second(self) -> float:
        """The bandwidth in bytes."""
        return self.megabits_per_second * 125_000

    def seconds_for(self, size: int, round_trips: int = NOMINAL_ROUND_TRIPS) -> float:
        """The least time in which `size` bytes can arrive."""
        return size / self.bytes_per_second + round_trips * self.round_trip_seconds

    def __str__(self) -> str:
        unit, scale = ("Gbit/s", 1000) if self.megabits_per_second >= 1000 else ("Mbit/s", 1)
        return f"{self.round_trip_seconds * 1000:g} ms, {self.megabits_per_second / scale:g} {unit}"


@dataclass(frozen=True)
class Load:
    """Files to bring here: how many, and the bytes of each."""

    files: int
    file_bytes: int

    @property
    def size(self) -> int:
        """All bytes."""
        return self.files * self.file_bytes

    def __str__(self) -> str:
        unit, scale = ("MB", 1e6) if self.file_bytes >= 500_000 else ("kB", 1e3)
        return f"{self.files:,} files of {self.file_bytes / scale:g} {unit}"


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        loads: by name.
        images: PNGs that the training reads, of about 0.45 MB.
        tables: numbers of rows for which the first batch is timed.
        growth: numbers of files for which the cost per file is measured.
        fetched: how many of those files really travel.
    """

    loads: Mapping[str, Load]
    images: int
    tables: tuple[int, ...]
    growth: tuple[int, ...]
    fetched: int


LINKS = {"far": Link(0.050, 1_000), "near": Link(0.005, 10_000), "slow": Link(0.150, 100)}

FULL = Extent(
    loads={"medium": Load(200, 500_000), "small": Load(2_000, 50_000), "large": Load(8, 64_000_000)},
    images=2_000,
    tables=(1_000, 1_000_000),
    growth=(1_000, 10_000, 100_000, 1_000_000),
    fetched=1_000,
)

TINY = Extent(
    loads={
        name: replace(load, files=min(load.files, 40), file_bytes=load.file_bytes // 50)
        for name, load in FULL.loads.items()
    },
    images=48,
    tables=(20, 2_000),
    growth=(20, 2_000),
    fetched=20,
)
"""Enough to see that everything works, and for nothing else."""
