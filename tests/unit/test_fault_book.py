# SPDX-License-Identifier: GPL-3.0-or-later
"""The book of faults: nothing is made up, nothing left out, and the table of the documentation says the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import catalogue
from support.catalogue import Fault, Group, Trial

TESTS = Path(__file__).resolve().parent.parent
DOCUMENT = TESTS.parent / "docs" / "security.md"

GROUPS = [
    Group(
        "some",
        "Some",
        1,
        (
            Fault("A", "some", "one | thing", ("CVE-1", "GHSA-2")),
            Fault("B", "some", "another"),
            Fault("C", "some", "a third", not_applicable="there is none here"),
        ),
    )
]
CATALOGUE = """
title = "Some"
order = 1
[faults]
A = {what = "one"}
B = {what = "two"}
C = {what = "all of it", whole_run = true}
"""
SUITE = """
import pytest

@pytest.mark.fault("A")
@pytest.mark.parametrize("number", range(3))
def test_held(number):
    pass

@pytest.mark.fault("A", "B")
def test_some():
    assert CONDITION

@pytest.mark.fault("C")
def test_whole():
    pass
"""


def test_every_fault_is_tried_or_says_why_not() -> None:
    assert catalogue.problems(catalogue.load(), catalogue.declared()) == []


def test_the_table_of_the_documentation_is_not_stale() -> None:
    """`make faults` writes it."""
    groups, document = catalogue.load(), DOCUMENT.read_text(encoding="utf-8")
    fresh = catalogue.table(catalogue.expected(groups, catalogue.declared()))
    assert catalogue.inserted(document, fresh) == document


def test_the_threat_model_speaks_of_every_module() -> None:
    document = DOCUMENT.read_text(encoding="utf-8").partition(catalogue.BEGIN)[0]
    modules = {path.stem for path in (TESTS.parent / "plugins" / "modules").glob("[a-z]*.py")}
    assert {name for name in modules if f"`{name}`" not in document} == set()


def test_what_does_not_fit_together_is_named() -> None:
    assert catalogue.problems(GROUPS, ["A", "C", "X"]) == [
        "no fault of the catalogue: X",
        "B (another): no test tries it, and no reason says why",
        "C (a third): not applicable, but a test tries it",
    ]


def test_a_report_counts_faults_and_tests() -> None:
    value = catalogue.report(GROUPS, {"A": Trial(passed=2), "B": Trial(passed=5, failed=1, failures=["t"])})
    counts = {"faults": 3, "tried": 2, "held": 1, "not_applicable": 1, "untried": 0, "tests": 8}
    assert value["totals"] == counts
    lines = catalogue.table(value).splitlines()
    assert lines[2:4] == ["| Some | 3 | 2 | 1 | 1 |", "| all | 3 | 2 | 1 | 1 |"]
    assert lines[-3:] == [
        "| A | one \\| thing | CVE-1, GHSA-2 | held |",
        "| B | another |  | **broken** |",
        "| C | a third |  | not applicable: there is none here |",
    ]
    assert "**not tried**" in catalogue.table(catalogue.report(GROUPS, {"B": Trial(skipped=1)}))


def test_a_name_stands_for_one_fault(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(CATALOGUE)
    with pytest.raises(ValueError, match="twice: A, B, C"):
        catalogue.load(tmp_path)


def test_a_document_without_its_markers_is_left_alone() -> None:
    assert catalogue.inserted(f"a{catalogue.BEGIN}old{catalogue.END}b", "new").splitlines()[1] == "new"
    with pytest.raises(ValueError, match="lacks"):
        catalogue.inserted("nothing", "new")


def _run(directory: Path, condition: str, *arguments: str) -> tuple[int, str]:
    (directory / "some.toml").write_text(CATALOGUE)
    (directory / "test_some.py").write_text(SUITE.replace("CONDITION", condition))
    (directory / "conftest.py").write_text(
        "from pathlib import Path\n"
        "from support import catalogue\n"
        f"catalogue.load.__defaults__ = (Path({str(directory)!r}),)\n"
    )
    plugins = ("-p", "xdist", "-p", "fault_book", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *plugins, "-q", "--color=no", "--strict-markers"]
    # Nothing of the run around it: neither its settings, nor a file of settings above the directory, nor byte code.
    command += [f"--rootdir={directory}", "-c", os.devnull]
    command += [f"--fault-book={directory}/faults.json", *arguments, str(directory)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment = {
        **own,
        "PYTHONPATH": str(TESTS),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _table(directory: Path) -> tuple[int, str]:
    document = directory / "security.md"
    document.write_text(f"# Title\n{catalogue.BEGIN}\n{catalogue.END}\n")
    command = [sys.executable, str(TESTS / "faults_table.py"), str(directory / "faults.json"), str(document)]
    return subprocess.run(command, check=False, capture_output=True).returncode, document.read_text()


def test_a_run_writes_the_book(tmp_path: Path) -> None:
    code, output = _run(tmp_path, "False")
    assert code == 1, output
    assert "1 failed, 4 passed" in output
    first, second, whole = json.loads((tmp_path / "faults.json").read_text())["groups"][0]["rows"]
    assert (first["tests"], first["tried"], first["held"]) == (4, True, False)
    assert (second["tests"], second["held"], second["failures"]) == (1, False, ["test_some.py::test_some"])
    assert (whole["tried"], whole["held"]) == (True, False), "nothing is whole where something failed"
    code, document = _table(tmp_path)
    assert code == 1
    assert "| B | two |  | **broken** |" in document


def test_a_run_of_several_processes_writes_one_book(tmp_path: Path) -> None:
    code, output = _run(tmp_path, "True", "-n", "2")
    assert code == 0, output
    rows = json.loads((tmp_path / "faults.json").read_text())["groups"][0]["rows"]
    assert [(row["tests"], row["held"]) for row in rows] == [(4, True), (1, True), (1, True)]
    code, document = _table(tmp_path)
    assert code == 0
    assert "| C | all of it |  | held |" in document


def test_a_book_with_holes_fails_the_run(tmp_path: Path) -> None:
    code, output = _run(tmp_path, "True", "-k", "held")
    assert code == 1, output
    assert "not tried: B" in output


def test_a_fault_that_nobody_knows_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text('import pytest\n\n@pytest.mark.fault("X")\ndef test_x():\n    pass\n')
    code, output = _run(tmp_path, "True", "-k", "test_x")
    assert code == 1, output
    assert "X is no fault of the catalogue" in output
