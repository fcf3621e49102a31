# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers' own programs, each as a command in an environment that holds nothing of this machine's user.

Only exit codes and JSON are read of what they print. What is not on PATH skips the test, which is a failure on CI.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

NOWHERE = "http://127.0.0.1:9"  # nothing listens on "discard": what is asked beyond loopback is refused at once


def find(*names: str) -> str:
    """The first of these programs that is on PATH."""
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    pytest.skip(f"{names[0]} is not on PATH")


class Done(t.NamedTuple):
    """A command that has ended by itself."""

    code: int
    output: bytes
    errors: str

    @property
    def json(self) -> t.Any:
        return json.loads(self.output)


@dataclass(frozen=True)
class Cli:
    """`crane("digest", reference)` gives its output; a peer that refuses what it should take fails the test."""

    program: str
    environment: t.Mapping[str, str]

    def run(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **variables: str) -> Done:
        """Run to the end, whatever it is; a crash or a signal is no end."""
        environment = {**self.environment, **variables}
        done = subprocess.run(
            [self.program, *arguments],
            check=False,
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env=environment,
            timeout=60,
        )
        shown = done.stderr.decode(errors="replace")
        assert 0 <= done.returncode < 126, (arguments, done.returncode, shown)
        assert "panic:" not in shown, (arguments, shown)
        return Done(done.returncode, done.stdout, shown)

    def __call__(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **variables: str) -> str:
        done = self.run(*arguments, stdin=stdin, cwd=cwd, **variables)
        assert done.code == 0, (self.program, arguments, done.code, done.errors, done.output[-2000:])
        return done.output.decode().strip()

    def json(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> t.Any:
        return json.loads(self(*arguments, stdin=stdin, cwd=cwd))


@dataclass(frozen=True)
class Home:
    """A home directory for the peers, with the credentials of Docker's configuration in it."""

    path: Path

    @property
    def docker(self) -> Path:
        """What DOCKER_CONFIG names."""
        return self.path / "docker"

    def login(self, address: str, username: str, password: str) -> None:
        """Credentials, as `docker login` would leave them."""
        from support.plain_client import basic

        config = self.docker / "config.json"
        document = json.loads(config.read_text()) if config.exists() else {"auths": {}}
        document["auths"][address] = {"auth": basic(username, password).removeprefix("Basic ")}
        config.write_text(json.dumps(document))

    def cli(self, *names: str, **variables: str) -> Cli:
        """The program in this home, without a way to anything but loopback."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "TMPDIR": str(self.path / "tmp"),
            "DOCKER_CONFIG": str(self.docker),
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
        return Cli(find(*names), environment | variables)

    @classmethod
    def make(cls, path: Path) -> Home:
        for directory in (path, path / "docker", path / "tmp"):
            directory.mkdir()
        return cls(path)
