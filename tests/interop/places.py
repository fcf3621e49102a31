# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries that everything is tried on."""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from interop import gitea
from support.plain_client import PlainClient, basic
from support.registry import running_registry

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.peers import Cli, Home

# Each with what is special about it.
NAMES = (
    "distribution",  # the reference implementation: no authentication, no referrers API
    "gitea",  # tokens from a realm, a namespace for each user
    "embedded",  # ours, with the referrers API
    "embedded-old",  # ours, without it, and with Basic authentication
    "embedded-bearer",  # ours, with a token realm
)
_USER, _PASSWORD = "robot", "robot: pass"


@dataclass(frozen=True)
class Place:
    """A registry, and the part of it that tests may write to."""

    name: str
    address: str
    prefix: str = ""
    username: str | None = None
    password: str | None = None
    referrers: bool = False

    def repository(self, name: str = "app") -> str:
        """A new repository, as `host:port/path`."""
        return f"{self.address}/{self.prefix}{name}-{secrets.token_hex(4)}"

    def client(self, repository: str) -> PlainClient:
        """To look at (or plant) bytes, where no token is asked for."""
        authorization = basic(self.username, self.password) if self.username and self.password else None
        return PlainClient(self.address, repository.partition("/")[2].partition("@")[0], authorization)


def free_port() -> int:
    """A port that nothing listens on right now, below those that systems give to outgoing connections."""
    while True:
        port = 20000 + secrets.randbelow(12000)
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def running(
    cli: Cli, *arguments: str, directory: Path, ready: t.Callable[[], bool], seconds: float = 30
) -> t.Iterator[None]:
    """A server of a peer, from its first good answer to the end of the block."""
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [cli.program, *arguments],
            env=dict(cli.environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + seconds
        while not ready():
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(address: str, path: str, status: int) -> t.Callable[[], bool]:
    """Whether a GET gives that status by now."""

    def ready() -> bool:
        connection = http.client.HTTPConnection(address, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


@contextlib.contextmanager
def distribution(cli: Cli, directory: Path) -> t.Iterator[Place]:
    """distribution's registry."""
    address = f"127.0.0.1:{free_port()}"
    settings = directory / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {directory / 'content'}}}, delete: {{enabled: true}}}}"
    settings.write_text(f"version: 0.1\nlog: {{level: error}}\n{storage}\nhttp: {{addr: {address}}}\n")
    with running(cli, "serve", str(settings), directory=directory, ready=answers(address, "/v2/", 200)):
        yield Place("distribution", address)


@contextlib.contextmanager
def embedded(directory: Path, name: str) -> t.Iterator[Place]:
    """Our own registry, in this process."""
    username, password, prefix = (None, None, "") if name == "embedded" else (_USER, _PASSWORD, "team/")
    auth, referrers = ("basic", False) if name == "embedded-old" else ("bearer", True)
    with running_registry(directory, username=username, password=password, auth=auth, referrers=referrers) as server:
        yield Place(name, server.address, prefix, username, password, referrers)


@contextlib.contextmanager
def running_gitea(home: Home, directory: Path) -> t.Iterator[gitea.Gitea]:
    """Gitea with its administrator."""
    cli = home.cli("gitea")
    server = gitea.Gitea(f"127.0.0.1:{free_port()}", free_port())
    settings = gitea.write_settings(cli, directory / "gitea", int(server.address.partition(":")[2]), server.ssh_port)
    ready = answers(server.address, "/api/v1/version", 200)
    with running(cli, "web", "-c", str(settings), directory=directory, ready=ready, seconds=60):
        yield server
