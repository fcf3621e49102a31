# SPDX-License-Identifier: GPL-3.0-or-later
"""The quickstart, killed with SIGKILL at steps that change something, one after the other, and run again.

Every third step of them, and `make nightly` takes all.
"""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from support.killing import Death, chosen, run_and_kill
from support.playbook import ROOT, Ran, command, run

if t.TYPE_CHECKING:
    from conftest import RunModule

PLAY = ROOT / "playbooks" / "quickstart.yml"
FILES = {"cosign.key", "cosign.pub", "evidence.txt", "fleet.git", "registry"}


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "a.yaml").write_text("kind: A\n")
    return tmp_path / "hello"


@pytest.fixture
def home(tmp_path: Path, run_module: RunModule) -> t.Iterator[Path]:
    yield tmp_path / "quickstart"
    _stop(run_module, tmp_path / "quickstart")


def _stop(run_module: RunModule, home: Path) -> None:
    run_module("oci_registry", data_dir=str(home / "registry"), state="absent")


def _variables(home: Path, manifests: Path) -> dict[str, str]:
    return {"quickstart_dir": str(home), "quickstart_manifests": str(manifests)}


def _play(home: Path, manifests: Path) -> Ran:
    ran = run(PLAY, _variables(home, manifests))
    assert ran.code == 0, ran.output
    return ran


def _state(home: Path, run_module: RunModule) -> dict[str, t.Any]:
    """What has to be the same, however often a run was killed."""
    lines = (home / "evidence.txt").read_text().splitlines()
    reference = next(word for line in lines for word in line.split() if word.startswith("oci://127.0.0.1:"))
    [artifact] = run_module("oci_artifact_info", reference=reference.removeprefix("oci://"))["artifacts"]
    log = ["git", "-C", str(home / "fleet.git"), "log", "--format=%s", "main"]
    return {
        "digest": artifact["digest"],
        "tags": artifact["tags"],
        "signatures": len(artifact["signatures"]),
        "commits": subprocess.run(log, capture_output=True, text=True, check=True).stdout,
        "files": {one.name for one in home.iterdir()},
    }


@pytest.mark.slow
@pytest.mark.fault("X5")
@pytest.mark.timeout(600)
def test_killed_at_its_steps(home: Path, manifests: Path, run_module: RunModule, tmp_path: Path) -> None:
    other = tmp_path / "whole"
    steps = _play(other, manifests).changed
    wanted = _state(other, run_module)
    _stop(run_module, other)
    assert (wanted["signatures"], wanted["files"]) == (1, FILES)
    assert len(steps) >= 8
    line = command(PLAY, _variables(home, manifests))
    for number, step in list(enumerate(steps))[chosen()]:
        # In turn when it has begun, and when it is done and nothing else is yet.
        death = Death(step, 0.1 if number % 2 else None, whole=number % 4 < 2)
        run_and_kill(line, death, tmp_path)
    _play(home, manifests)
    assert _state(home, run_module) == wanted
    assert _play(home, manifests).changed == []
