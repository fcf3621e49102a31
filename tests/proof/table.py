# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of `.ci/run` were: minutes, cases and outcomes, read from their junit files.

PYTHONPATH=tests python -m proof.table build/junit/*.xml
"""

from __future__ import annotations

import sys
import typing as t
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

_MESSAGE = 200  # characters of a failure's message


@dataclass(frozen=True)
class Case:
    """One test, or one command of a step that has none; `outcome` is passed, failed or skipped."""

    name: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Row:
    """A step. `minutes` are those of the clock, `cpu` those of the processors; None where nobody measured them."""

    step: str
    cases: tuple[Case, ...]
    minutes: float | None = None
    cpu: float | None = None
    note: str = ""

    def count(self, outcome: str) -> int:
        return sum(case.outcome == outcome for case in self.cases)

    @property
    def failures(self) -> list[Case]:
        return [case for case in self.cases if case.outcome == "failed"]


def read(path: Path) -> Row:
    """A junit file as a row, named after it; OSError or ValueError where it cannot be read."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314  # written by a step of ours
    except ET.ParseError as error:
        raise ValueError(f"{path} is no junit file: {error}") from error
    seconds = sum(float(suite.get("time", 0)) for suite in root.iter("testsuite"))
    return Row(path.stem, tuple(_case(one) for one in root.iter("testcase")), seconds / 60)


def _case(element: ET.Element) -> Case:
    name = "::".join(part for part in (element.get("classname"), element.get("name")) if part)
    for kind in ("failure", "error"):
        found = element.find(kind)
        if found is not None:
            return Case(name, "failed", " ".join((found.get("message") or found.text or "").split())[:_MESSAGE])
    skipped = element.find("skipped")
    # What is expected to fail, and does, is as it should be.
    return Case(name, "passed" if skipped is None or skipped.get("type") == "pytest.xfail" else "skipped")


def write(path: Path, step: str, cases: t.Sequence[Case], seconds: float) -> None:
    """A junit file for a step that is not pytest's."""
    count = {outcome: str(sum(case.outcome == outcome for case in cases)) for outcome in ("failed", "skipped")}
    about = {"name": step, "tests": str(len(cases)), "failures": count["failed"], "skipped": count["skipped"]}
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", {**about, "errors": "0", "time": f"{seconds:.3f}"})
    for case in cases:
        element = ET.SubElement(suite, "testcase", {"classname": step, "name": case.name})
        if case.outcome != "passed":
            ET.SubElement(element, "failure" if case.outcome == "failed" else "skipped", {"message": case.message})
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="unicode", xml_declaration=True)


def render(rows: t.Sequence[Row]) -> str:
    """One line for each step, and one for all of them."""
    heads = ("step", "minutes", "cpu", "cases", "passed", "failed", "skipped")
    total = Row("all", tuple(case for row in rows for case in row.cases), None, _sum(row.cpu for row in rows))
    lines = [heads, *(_cells(row) for row in rows), _cells(total)]
    notes = ["", *(row.note for row in rows), ""]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    text = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]
    return "\n".join(f"{line}  {note}".rstrip() for line, note in zip(text, notes, strict=True))


def _cells(row: Row) -> tuple[str, ...]:
    times = ("" if value is None else f"{value:.1f}" for value in (row.minutes, row.cpu))
    counts = (len(row.cases), *(row.count(outcome) for outcome in ("passed", "failed", "skipped")))
    return (row.step, *times, *map(str, counts))


def _sum(values: t.Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def closing(rows: t.Sequence[Row], seconds: float) -> str:
    """The last line, as pytest ends a run."""
    count = {name: sum(row.count(name) for row in rows) for name in ("passed", "failed", "skipped")}
    clock = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
    counts = ", ".join(f"{number} {name}" for name, number in count.items())
    return f"==== {counts} in {seconds:.2f}s ({clock}) ===="


if __name__ == "__main__":
    sys.stdout.write(render([read(Path(word)) for word in sys.argv[1:]]) + "\n")
