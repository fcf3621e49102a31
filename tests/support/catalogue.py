# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults and attacks that are to be tried, what came of them, and the table that says so.

`tests/faults/catalogue/GROUP.toml` has one line for each fault of a group; a test names those it tries:

    @pytest.mark.fault("R1", "R2")

A fault without a test is an error, unless its line says why there is none (`not_applicable`).
"""

from __future__ import annotations

import ast
import tomllib
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
CATALOGUE = TESTS / "faults" / "catalogue"
SUITES = ("unit", "integration", "faults")  # what needs this machine alone
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"

Report = dict[str, t.Any]


@dataclass(frozen=True)
class Fault:
    """One line: what goes wrong, who is known to have had it, or the reason why it cannot happen here.

    One of a `whole_run` holds only where no test at all has failed.
    """

    name: str
    group: str
    what: str
    advisories: tuple[str, ...] = ()
    not_applicable: str | None = None
    whole_run: bool = False


@dataclass(frozen=True)
class Group:
    """The faults of one subject; `order` is its place in the table."""

    name: str
    title: str
    order: int
    faults: tuple[Fault, ...]


@dataclass
class Trial:
    """The tests of one fault, by their outcome."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def tried(self) -> bool:
        return bool(self.passed or self.failed)

    @property
    def held(self) -> bool:
        return self.tried and not self.failed


def load(directory: Path = CATALOGUE) -> list[Group]:
    """All groups in the order of the table; ValueError for a name given twice."""
    groups = [_group(path) for path in sorted(directory.glob("*.toml"))]
    names = [fault.name for group in groups for fault in group.faults]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"in the catalogue twice: {', '.join(twice)}")
    return sorted(groups, key=lambda group: group.order)


def _group(path: Path) -> Group:
    value = tomllib.loads(path.read_text(encoding="utf-8"))
    faults = (
        Fault(
            name,
            path.stem,
            line["what"],
            tuple(line.get("advisories", ())),
            line.get("not_applicable"),
            line.get("whole_run", False),
        )
        for name, line in value["faults"].items()
    )
    return Group(path.stem, value["title"], value["order"], tuple(faults))


def declared(suites: t.Iterable[str] = SUITES) -> dict[str, int]:
    """How often tests name each fault, read from their source: `pytest.mark.fault("R1", …)`."""
    found: dict[str, int] = {}
    for suite in suites:
        for path in sorted((TESTS / suite).rglob("test_*.py")):
            for name in _marked(path.read_text(encoding="utf-8")):
                found[name] = found.get(name, 0) + 1
    return found


def _marked(text: str) -> t.Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
            yield from (str(ast.literal_eval(argument)) for argument in node.args)


def problems(groups: t.Iterable[Group], named: t.Iterable[str]) -> list[str]:
    """What does not fit together between the catalogue and the tests."""
    faults = {fault.name: fault for group in groups for fault in group.faults}
    names = set(named)
    found = [f"no fault of the catalogue: {name}" for name in sorted(names - set(faults))]
    for name, fault in faults.items():
        if fault.not_applicable is None and name not in names:
            found.append(f"{name} ({fault.what}): no test tries it, and no reason says why")
        elif fault.not_applicable is not None and name in names:
            found.append(f"{name} ({fault.what}): not applicable, but a test tries it")
    return found


def report(groups: t.Iterable[Group], trials: t.Mapping[str, Trial]) -> Report:
    """The content of build/faults.json."""
    listed = [_group_report(group, trials) for group in groups]
    counts = ("faults", "tried", "held", "not_applicable", "untried", "tests")
    return {"groups": listed, "totals": {name: sum(group[name] for group in listed) for name in counts}}


def _group_report(group: Group, trials: t.Mapping[str, Trial]) -> Report:
    rows = [_row(fault, trials.get(fault.name, Trial())) for fault in group.faults]
    return {
        "group": group.name,
        "title": group.title,
        "faults": len(rows),
        "tried": sum(row["tried"] for row in rows),
        "held": sum(row["held"] for row in rows),
        "not_applicable": sum(row["not_applicable"] is not None for row in rows),
        "untried": sum(not row["tried"] and row["not_applicable"] is None for row in rows),
        "tests": sum(row["tests"] for row in rows),
        "rows": rows,
    }


def _row(fault: Fault, trial: Trial) -> Report:
    return {
        "fault": fault.name,
        "what": fault.what,
        "advisories": list(fault.advisories),
        "tests": trial.passed + trial.failed,
        "tried": trial.tried,
        "held": trial.held,
        "not_applicable": fault.not_applicable,
        "failures": trial.failures,
    }


def expected(groups: t.Iterable[Group], named: t.Mapping[str, int]) -> Report:
    """The report of a run in which every test that there is has passed."""
    return report(groups, {name: Trial(passed=count) for name, count in named.items()})


def table(value: Report) -> str:
    """The report as Markdown, without what changes from run to run."""
    lines = ["| group | faults | tried | held | not applicable |", "|---|---|---|---|---|"]
    for part in [*value["groups"], {"title": "all", **value["totals"]}]:
        counts = " | ".join(str(part[name]) for name in ("faults", "tried", "held", "not_applicable"))
        lines.append(f"| {part['title']} | {counts} |")
    for group in value["groups"]:
        lines += ["", f"### {group['title']}", "", "| | fault | known from | came of it |", "|---|---|---|---|"]
        lines += [_table_row(row) for row in group["rows"]]
    return "\n".join(lines)


def _table_row(row: Report) -> str:
    if row["not_applicable"] is not None:
        result = f"not applicable: {row['not_applicable']}"
    else:
        result = "held" if row["held"] else "**broken**" if row["tried"] else "**not tried**"
    cells = (row["fault"], row["what"], ", ".join(row["advisories"]), result)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def inserted(document: str, text: str) -> str:
    """The document with `text` between the two markers."""
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
