# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule that a skip fails on CI, tried on a pytest run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent

SUITE = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="a tool is missing")
def test_marked():
    pass

def test_inside():
    pytest.skip("another is missing")
"""

MODULE = "import pytest\npytest.importorskip('no_such_package_here')\n"


def run_suite(directory: Path, ci: str) -> str:
    (directory / "test_some.py").write_text(SUITE)
    (directory / "test_module.py").write_text(MODULE)
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "skips", "-p", "no:cacheprovider", "-rfEs", "--color=no"]
    command += ["--continue-on-collection-errors", str(directory)]
    process = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return process.stdout


def test_every_kind_of_skip_fails_on_ci(tmp_path: Path) -> None:
    output = run_suite(tmp_path, "true")
    assert "1 failed, 1 passed, 2 errors" in output
    assert "skipped, which is a failure on CI: Skipped: another is missing" in output
    assert "skipped, which is a failure on CI: Skipped: a tool is missing" in output
    assert "No module named 'no_such_package_here'" in output


@pytest.mark.parametrize("ci", ["", "false"])
def test_a_skip_is_a_skip_elsewhere(tmp_path: Path, ci: str) -> None:
    assert "1 passed, 3 skipped" in run_suite(tmp_path, ci)
