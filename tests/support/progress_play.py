# SPDX-License-Identifier: GPL-3.0-or-later
"""A play that takes long enough to show its progress, and a registry that sees to that."""

from __future__ import annotations

import json
import re
import time
import typing as t
from pathlib import Path

import pytest
from support.registry import RunningRegistry

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import ApiError, Hook, Request, Response

VARIABLES = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
LINE = re.compile(r"\[(\w+)\] oci_push: (packed|pushed) \d+ of 8 artifacts, .*\d s")


class Slow(Hook):
    """Takes its time for each manifest; in the end it may refuse them."""

    def __init__(self, seconds: float = 1.0, method: str = "PUT") -> None:
        self.seconds = seconds
        self.method = method
        self.refuses = False

    def before(self, request: Request) -> Response | None:
        if request.method == self.method and "/manifests/" in request.target:
            time.sleep(self.seconds)
            if self.refuses:
                return ApiError("DENIED", "not today").response()
        return None


class Play:
    """A play that pushes eight artifacts, two at a time: more than four seconds' work with a slow registry."""

    def __init__(self, directory: Path, registry: RunningRegistry) -> None:
        self.directory = directory
        tree = directory / "tree"
        tree.mkdir()
        (tree / "a.yaml").write_text("kind: A\n")
        self._count = 0
        self._address = registry.address
        self._tree = str(tree)

    def write(self, *, hosts: str = "localhost", compare_with: str | None = None, **keywords: t.Any) -> Path:
        """The playbook, whose artifacts are not in the registry yet; `keywords` are the task's."""
        self._count += 1
        name = f"oci://{self._address}/{{{{ inventory_hostname }}}}/r{self._count}"
        more = {"compare_with": compare_with} if compare_with else {}
        artifacts = [{"reference": f"{name}/a{number}", "path": self._tree, **more} for number in range(8)]
        push = {"proven.gitops.oci_push": {"artifacts": artifacts, "concurrency": 2}, "name": "Push", **keywords}
        play = {"hosts": hosts, "gather_facts": False, "connection": "local", "tasks": [push]}
        path = self.directory / f"play-{self._count}.yml"
        path.write_text(json.dumps([play]))
        return path

    @property
    def environment(self) -> dict[str, str]:
        """Temporary files of Ansible's in the test's own directory."""
        return {"ANSIBLE_LOCAL_TEMP": f"{self.directory}/local", "ANSIBLE_ASYNC_DIR": f"{self.directory}/async"}

    def left(self) -> list[Path]:
        """What is left of the files that progress is written to."""
        return list((self.directory / "local").rglob("progress-*"))


@pytest.fixture
def slow(registry: RunningRegistry) -> Slow:
    hook = Slow()
    registry.hooks.append(hook)
    return hook


@pytest.fixture
def play(tmp_path: Path, registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch) -> Play:
    made = Play(tmp_path, registry)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made
