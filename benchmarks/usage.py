"""What a process has used, as Linux tells it."""

import os
import resource
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def own_cpu_seconds() -> float:
    """CPU time of this process, its threads and its ended children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def cpu_seconds(process: int) -> float:
    """CPU time of another process, its threads and its ended children, in steps of 10 ms."""
    # the name of the process, in brackets, may hold spaces
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def memory_megabytes() -> tuple[float, float]:
    """The memory that this process holds now, and the most it has held since it was started.

    `getrusage` would count what the parent held when it forked.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in lines if "kB" in line)
    }
    return kilobytes["VmRSS"] / 1000, kilobytes["VmHWM"] / 1000
