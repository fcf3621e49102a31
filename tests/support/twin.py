# SPDX-License-Identifier: GPL-3.0-or-later
"""This collection with modules that do nothing but write down what they are called with.

Roles, playbooks, action plugins and action groups are the checkout's own, so a test sees what really reaches a module,
without a cluster, a registry or a git server behind it.

twin = Twin(tmp_path)
ran = twin.play(text, variables)
assert twin.calls[0].module == "oci_push"
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from support import playbook
from support.playbook import ROOT, Ran

HEAD = """---
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


@dataclass(frozen=True)
class Call:
    """One module that was called, with its options and none of Ansible's own."""

    module: str
    options: dict[str, t.Any]
    check: bool


class Twin:
    """Plays run against it. `calls` are those of the last play."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.calls: list[Call] = []
        self._record = home / "calls"
        collection = home / "collections" / "ansible_collections" / "proven" / "gitops"
        (collection / "plugins" / "modules").mkdir(parents=True)
        for name in ("galaxy.yml", "meta", "roles", "playbooks", "examples"):
            (collection / name).symlink_to(ROOT / name)
        for name in ("action", "doc_fragments", "module_utils", "plugin_utils"):
            (collection / "plugins" / name).symlink_to(ROOT / "plugins" / name)
        body = "#!/usr/bin/python\n" + Path(__file__).with_name("twin_module.py").read_text()
        for module in (ROOT / "plugins" / "modules").glob("[a-z]*.py"):
            (collection / "plugins" / "modules" / module.name).write_text(body)

    def play(self, text: str, variables: t.Mapping[str, t.Any], *arguments: str, **environment: str) -> Ran:
        """Run a playbook, given as text, as `playbook.run` does."""
        self._record.write_text("")
        path = self.home / "play.yml"
        path.write_text(text)
        ran = playbook.run(path, variables, *arguments, **self.environment, **environment)
        self.calls = [Call(**json.loads(line)) for line in self._record.read_text().splitlines()]
        return ran

    @property
    def environment(self) -> dict[str, str]:
        """What makes Ansible take this collection."""
        return {"ANSIBLE_COLLECTIONS_PATH": str(self.home / "collections"), "TWIN_RECORD": str(self._record)}

    def options(self, module: str) -> list[dict[str, t.Any]]:
        """What a module was called with, call by call."""
        return [call.options for call in self.calls if call.module == module]


def strings(value: t.Any) -> t.Iterator[str]:
    """Every string in it, at any depth, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(key)
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
