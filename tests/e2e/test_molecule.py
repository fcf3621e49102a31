# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's scenarios: from nothing to what runs, a second time without a change, the drill, and away again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.playbook import ROOT

SECONDS = 1500.0
NEEDS = {"default": ("git",), "kind": ("git", "docker", "kind", "kubectl")}


def _find(scenario: str) -> None:
    missing = [program for program in NEEDS[scenario] if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")
    if scenario == "kind" and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("Docker does not answer")


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("scenario", ["default", "kind"])
def test_scenario(scenario: str, tmp_path: Path) -> None:
    _find(scenario)
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"),  # it empties that at its end
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(programs / "molecule"), "test", "--scenario-name", scenario]
    log = tmp_path / "molecule.log"
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=SECONDS,
            check=False,
        )
    said = log.read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, said[-8000:]
    assert "idempotence: Executed: Successful" in said
    assert "side_effect: Executed: Successful" in said
