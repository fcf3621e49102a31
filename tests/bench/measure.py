# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as figures: wall and CPU time in seconds, peak memory in MiB."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

_SPAWN = Path(__file__).with_name("spawn.py")


class Failed(Exception):
    """A command that is to be measured did not do its work."""


@dataclass(frozen=True)
class Sample:
    """What one run took: `wall` and `cpu` in seconds, `peak` (the largest process of its tree) in MiB."""

    wall: float
    cpu: float
    peak: float

    def less(self, other: Sample) -> Sample:
        """This without the time that `other` takes by itself; the memory stays."""
        return Sample(self.wall - other.wall, self.cpu - other.cpu, self.peak)

    def each(self, count: int) -> Sample:
        """The time of one of `count`."""
        return Sample(self.wall / count, self.cpu / count, self.peak)


def run(command: t.Sequence[str], environment: t.Mapping[str, str], stdin: bytes = b"") -> Sample:
    """The command's figures; Failed with the end of its output unless it exits with 0."""
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as figures, tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [sys.executable, "-S", "-E", str(_SPAWN), figures.name, *command],
            check=False,
            input=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
        )
        if done.returncode:
            output.seek(0)
            shown = output.read()[-3000:].decode(errors="replace")
            raise Failed(f"{command[0]} ends with {done.returncode}: {shown}")
        wall, cpu, peak = map(float, figures.read().split())
    return Sample(wall, cpu, peak / 1024)


def spread(values: t.Sequence[float]) -> dict[str, float]:
    """Minimum, median and maximum of several runs."""
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


def spreads(samples: t.Sequence[Sample]) -> dict[str, dict[str, float]]:
    """The same for each of a sample's figures."""
    return {
        "wall": spread([sample.wall for sample in samples]),
        "cpu": spread([sample.cpu for sample in samples]),
        "peak": spread([sample.peak for sample in samples]),
    }
