# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the table: what is compared with what, and what is to be reached.

Each group of rows does its runs one after the other, and in each run both sides alternately, so that whatever else the
machine does meets both. A ratio is always one of two figures of the same run.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from bench.measure import Sample, spread, spreads

Say = t.Callable[[str], None]


@dataclass(frozen=True)
class Scale:
    """How much of everything. `size` is in bytes."""

    runs: int = 3
    few: int = 100
    many: int = 1000
    references: int = 500
    calls: int = 10
    size: int = 256 << 20

    @classmethod
    def quick(cls) -> Scale:
        """Seconds instead of minutes: it shows that everything works, and says nothing about speed."""
        return cls(runs=1, few=2, many=4, references=3, calls=1, size=4 << 20)


@dataclass
class Row:
    """One line of the table. `target` is what `figure` is to be: at least it, or at most where `at_most` is set."""

    work: str
    peer: str
    figure: str
    target: float
    at_most: bool = False
    ratios: list[float] = field(default_factory=list)
    ours: list[Sample] = field(default_factory=list)
    theirs: list[Sample] = field(default_factory=list)
    more: dict[str, t.Any] = field(default_factory=dict)

    def add(self, ours: Sample, theirs: Sample, ratio: float) -> None:
        """The figures of one run."""
        self.ours.append(ours)
        self.theirs.append(theirs)
        self.ratios.append(ratio)

    @property
    def reached(self) -> bool:
        """Whether the median is what was to be reached, and the other conditions hold."""
        median = spread(self.ratios)["median"]
        held = median <= self.target if self.at_most else median >= self.target
        return held and all(condition["held"] for condition in self.more.get("conditions", []))

    def condition(self, what: str, value: float, held: bool) -> None:
        """Something else that has to hold, beside the ratio."""
        self.more.setdefault("conditions", []).append({"what": what, "value": round(value, 3), "held": held})

    def as_json(self) -> dict[str, t.Any]:
        return {
            "work": self.work,
            "peer": self.peer,
            "figure": self.figure,
            "target": self.target,
            "at_most": self.at_most,
            "reached": self.reached,
            "ratio": spread(self.ratios),
            "ours": spreads(self.ours),
            "theirs": spreads(self.theirs),
            **self.more,
        }
