# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays run by ansible-playbook itself, with the interpreter that runs the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """How a play ended. `results` has `(task, outcome, result)` in order; `output` is what a person saw."""

    code: int
    output: str
    results: list[tuple[str, str, dict[str, t.Any]]]

    @property
    def changed(self) -> list[str]:
        """The names of the tasks that changed something."""
        return [task for task, outcome, result in self.results if outcome == "ok" and result.get("changed")]

    @property
    def failed(self) -> list[str]:
        """The names of the tasks that failed."""
        return [task for task, outcome, _last in self.results if outcome == "failed"]

    def result(self, task: str) -> dict[str, t.Any]:
        """The last result of the task whose name ends in `task`."""
        return next(result for name, _middle, result in reversed(self.results) if name.endswith(task))


def run(playbook: str | Path, variables: t.Mapping[str, t.Any], *arguments: str, **more: str) -> Ran:
    """Run a playbook on localhost with extra variables and arguments."""
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "results"
        record.touch()
        done = subprocess.run(
            command(playbook, variables, *arguments),
            env={**os.environ, **environment(record), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        entries = [json.loads(line) for line in record.read_text().splitlines()]
    results = [(entry["task"], entry["outcome"], entry["result"]) for entry in entries]
    return Ran(done.returncode, done.stdout + done.stderr, results)


def command(playbook: str | Path, variables: t.Mapping[str, t.Any], *arguments: str) -> list[str]:
    """What runs it."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return [program, str(playbook), *arguments, "-e", json.dumps(variables)]


def environment(record: Path) -> dict[str, str]:
    """What it needs around it, to run this checkout and to write each result into `record`."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "support" / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "RECORD_RESULTS": str(record),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
