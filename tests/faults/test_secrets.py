# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary in every secret input, real plays, and no copy of any in what they print, return, keep, start or log."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import sys
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from support.canaries import inputs, without_variable
from support.secret_groups import GROUPS
from support.secret_plays import Evidence, Place, run
from support.watching import Watch

_QUICK = ("registry",)  # for `make test`; the others by `make faults`
_EACH = [
    *(pytest.param((name, False), id=name, marks=[] if name in _QUICK else pytest.mark.slow) for name in GROUPS),
    *(pytest.param((name, True), id=f"{name}-variables", marks=pytest.mark.slow) for name in GROUPS),
]


@pytest.fixture(scope="module", params=_EACH)
def evidence(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Evidence]:
    """The play of each group, with its secrets as options, and then as variables."""
    name, by_variable = request.param
    place = Place(tmp_path_factory.mktemp("secrets") / "here")
    with contextlib.ExitStack() as stack:
        group = GROUPS[name](place, stack)
        seen = run(place, group.cases, by_variable=by_variable)
        group.check(seen)
        yield seen


def test_every_secret_input_has_a_canary(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a specification hides and no play uses would go untried in silence."""
    used: set[tuple[str, str]] = set()
    for build in GROUPS.values():
        with contextlib.ExitStack() as stack:
            group = build(Place(tmp_path_factory.mktemp("coverage") / "here"), stack)
            used |= {(case.module, name) for case in group.cases for name in case.secrets()}
    known = {(module, name) for module, options in inputs().items() for name in options}
    assert known - used == set()
    assert without_variable() == []
    assert len(known) > 20, "the specifications are not read any more"


@pytest.mark.fault("C1")
def test_output(evidence: Evidence) -> None:
    assert "EXEC" in evidence.output, "as -vvvv has it"
    assert [line for line in evidence.output.splitlines() if evidence.found(line)] == []


@pytest.mark.fault("C2")
def test_results_and_facts(evidence: Evidence) -> None:
    assert [entry for entry in evidence.results if evidence.found(str(entry))] == []
    facts = {name: content for name, content in evidence.files().items() if name.startswith("facts/")}
    assert any(b"fact_results" in content for content in facts.values())
    assert [name for name, content in facts.items() if evidence.found(content)] == []


@pytest.mark.fault("C3")
def test_files(evidence: Evidence) -> None:
    assert {name: found for name, content in evidence.files().items() if (found := evidence.found(content))} == {}


@pytest.mark.fault("C4")
def test_processes(evidence: Evidence) -> None:
    assert any(b"AnsiballZ_" in process.command for process in evidence.processes)
    assert [process.command for process in evidence.processes if evidence.found(process.command)] == []
    told = [process for process in evidence.processes if process.ours and evidence.found(process.environment)]
    assert [(process.command, evidence.found(process.environment)) for process in told] == []
    assert evidence.found(evidence.started) == []


@pytest.mark.fault("C5")
def test_syslog(evidence: Evidence) -> None:
    assert "Invoked with" in evidence.syslog
    assert [line for line in evidence.syslog.splitlines() if evidence.found(line)] == []


@pytest.mark.fault("C7")
def test_git_configuration_and_reflog(evidence: Evidence) -> None:
    assert [line for line in evidence.repositories.splitlines() if evidence.found(line)] == []


def test_a_leak_would_be_seen(tmp_path: Path) -> None:
    """The tests above are no better than what looks for copies."""
    place = Place(tmp_path / "here")
    canary = place.canaries["PROVEN_REGISTRY_PASSWORD"].value
    pair = base64.b64encode(f"someone:{canary}".encode())
    for form in (canary.encode(), quote(canary, safe="").encode(), pair, base64.b64encode(b"x" + pair + b"y")):
        assert place.canaries.found(b"before " + form + b" after") == ["PROVEN_REGISTRY_PASSWORD"], form
    assert place.canaries.found(canary[:-1]) == []
    with Watch() as watch:
        program = [sys.executable, "-c", "import time; time.sleep(0.3)", canary]
        subprocess.run(program, env={"GIVEN": canary}, check=True)
    [process] = {one for one in watch.seen if place.canaries.found(one.command)}
    assert place.canaries.found(process.environment) == ["PROVEN_REGISTRY_PASSWORD"]
