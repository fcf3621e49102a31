# SPDX-License-Identifier: GPL-3.0-or-later
"""git_publish run in this process, with a look at what it leaves behind: nothing, whatever came of it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from conftest import Result, RunModule


class Publisher:
    """`publish(repository=…, files=[…])` gives the module's result; `directory` has the task's files meanwhile."""

    def __init__(self, run_module: RunModule, directory: Path) -> None:
        self._run_module = run_module
        self.directory = directory
        directory.mkdir()

    def __call__(self, *, check: bool = False, diff: bool = True, **options: t.Any) -> Result:
        options["_ansible_tmpdir"] = str(self.directory)
        result = self._run_module("git_publish", check=check, diff=diff, **options)
        assert list(self.directory.iterdir()) == []
        return result


@pytest.fixture
def publish(run_module: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """The module for a user with an empty HOME, on a machine without a git configuration."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # Characters that shells, ssh and git's configuration have uses for.
    return Publisher(run_module, tmp_path / "the task's 100% own #1")
