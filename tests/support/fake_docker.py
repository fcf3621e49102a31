# SPDX-License-Identifier: GPL-3.0-or-later
"""A docker and a kind program that keep containers in a file: what is asked of them is seen, and can be made to fail.

    machine = FakeMachine.make(tmp_path, monkeypatch)
    machine.kind(name="demo")                  # as kind would make it
    machine.fail("docker run", "port is already allocated")

What the programs do is in fake_docker_program.py.
"""

from __future__ import annotations

import os
import py_compile
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

from support import fake_docker_program as program

State = dict[str, t.Any]


@dataclass
class FakeMachine:
    """The state file, and the directory with both programs."""

    path: Path
    bin: Path

    @classmethod
    def make(cls, directory: Path, monkeypatch: t.Any) -> FakeMachine:
        """An empty machine, whose programs come first on PATH."""
        machine = cls(directory / "machine.json", directory / "fake-bin")
        machine.bin.mkdir()
        # Compiled once: they are started some hundred times.
        compiled = py_compile.compile(program.__file__, str(machine.bin / "program.pyc"), doraise=True)
        for name in ("docker", "kind"):
            script = machine.bin / name
            script.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {compiled} {name} "$@"\n')
            script.chmod(0o755)
        machine.save({"containers": {}, "images": {}, "failures": {}, "calls": [], "networks": ["bridge"]})
        monkeypatch.setenv("PATH", f"{machine.bin}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv(program.STATE, str(machine.path))
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        return machine

    def load(self) -> State:
        return program.load(str(self.path))

    def save(self, state: State) -> None:
        program.save(str(self.path), state)

    def change(self, **changes: t.Any) -> None:
        self.save({**self.load(), **changes})

    def fail(self, command: str, reason: str) -> None:
        """Let calls that begin with `command` fail; an empty reason lets them succeed again."""
        self.change(failures={**self.load()["failures"], command: reason})

    def kind(self, name: str, *roles: str, config: State | None = None) -> None:
        """A cluster that somebody else made."""
        state = self.load()
        program.make_cluster(state, name, config or {"nodes": [{"role": role} for role in roles or ("control-plane",)]})
        self.save(state)

    def container(self, name: str) -> State:
        return t.cast("State", self.load()["containers"][name])

    def edit(self, name: str, **changes: t.Any) -> None:
        state = self.load()
        state["containers"][name].update(changes)
        self.save(state)

    def forget(self) -> None:
        """Count calls from here."""
        self.change(calls=[])

    @property
    def names(self) -> list[str]:
        return sorted(self.load()["containers"])

    @property
    def calls(self) -> list[str]:
        """The calls that changed something."""
        reading = (
            "docker version",
            "docker info",
            "kind version",
            "docker ps",
            "docker container",
            "docker image",
            "docker exec",
            "kind get",
        )
        return [call for call in self.load()["calls"] if not call.startswith(reading)]
