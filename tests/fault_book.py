# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the book of the faults that tests try: `--fault-book=build/faults.json` writes it at the end.

With that option a run also fails for a fault that nothing has tried: a book with holes looks like one without.
"""

from __future__ import annotations

import functools
import json
import platform
import typing as t
from importlib import metadata
from pathlib import Path

import pytest
from support import catalogue

_PROPERTY = "fault"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-book", metavar="FILE", help="write what became of each fault of the catalogue, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(*names): the faults of tests/faults/catalogue that this test tries")
    config.addinivalue_line("markers", "slow: runs by `make faults` only")
    config.addinivalue_line("markers", "nightly: runs by `make nightly` only")
    config.addinivalue_line("markers", "sample: a part of a slow one, which does without it")
    if not hasattr(config, "workerinput"):  # of several processes, the one that hears of all reports
        config.pluginmanager.register(_Book(config.getoption("--fault-book")), "fault-book")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [(_PROPERTY, name) for name in _faults(item)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    names = _faults(item)
    known = _known() if names else {}
    for name in names:
        if name not in known or known[name].not_applicable is not None:
            pytest.fail(f"{name} is no fault of the catalogue that can be tried", pytrace=False)


def _faults(item: pytest.Item) -> list[str]:
    return [str(name) for mark in item.iter_markers("fault") for name in mark.args]


@functools.cache
def _known() -> dict[str, catalogue.Fault]:
    return {fault.name: fault for group in catalogue.load() for fault in group.faults}


class _Book:
    def __init__(self, path: str | None) -> None:
        self._path = path
        self._trials: dict[str, catalogue.Trial] = {}
        self._untried: list[str] = []
        self._failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome == "failed":
            self._failed.append(report.nodeid)
        names = [str(value) for key, value in report.user_properties if key == _PROPERTY]
        # The call tells, unless there was none.
        if not names or (report.when != "call" and report.outcome == "passed"):
            return
        for name in names:
            trial = self._trials.setdefault(name, catalogue.Trial())
            if report.outcome == "failed":
                trial.failed += 1
                trial.failures.append(report.nodeid)
            elif report.outcome == "passed":
                trial.passed += 1
            else:
                trial.skipped += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._path is None or session.config.option.collectonly:
            return
        for name in (name for name, fault in _known().items() if fault.whole_run and name in self._trials):
            self._trials[name].failed += len(self._failed)
            self._trials[name].failures += self._failed
        value = catalogue.report(catalogue.load(), self._trials)
        rows = [row for group in value["groups"] for row in group["rows"]]
        self._untried = [row["fault"] for row in rows if not row["tried"] and row["not_applicable"] is None]
        about = {"python": platform.python_version(), "ansible_core": metadata.version("ansible-core")}
        Path(self._path).write_text(json.dumps({**about, **value}, indent=2) + "\n", encoding="utf-8")
        if self._untried and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: t.Any) -> None:
        if self._path is None:
            return
        terminalreporter.section("faults")
        held = sum(trial.held for trial in self._trials.values())
        terminalreporter.line(f"{held} of {len(self._trials)} faults that were tried held: {self._path}")
        for name in self._untried:
            terminalreporter.line(f"not tried: {name}", red=True)
