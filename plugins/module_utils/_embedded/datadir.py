# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's data directory, as its server sees it; the module that starts the server is who writes there.

.proven-gitops-registry   the marker: only a directory that holds it is ever changed or removed
settings.json             what the server was started with; nothing secret
credentials.json          the user and the password's salted hash (0600)
server.pyz                the server's own code
server.log                what it had to say since it was started
server.lock               locked by the running server, and says its process id and port
storage/                  what was pushed
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from .credentials import Credentials

MARKER = ".proven-gitops-registry"
FILES = (MARKER, "settings.json", "credentials.json", "server.pyz", "server.log", "server.lock")
_LIMIT = 64 * 1024  # bytes of any of our JSON files

_Document = dict[str, t.Any]


@dataclass(frozen=True)
class Settings:
    """What a server runs with. `auth` is `none`, `basic` or `bearer`; `server` the digest of its code."""

    host: str
    port: int
    auth: str
    username: str | None
    referrers: bool
    server: str

    @classmethod
    def from_document(cls, document: _Document) -> Settings:
        """Read what as_document gave. Raises ValueError when it is anything else."""
        try:
            return cls(**document)
        except TypeError as error:
            raise ValueError("not a registry's settings") from error

    def as_document(self) -> _Document:
        return asdict(self)


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    pid: int
    port: int


class DataDirectory:
    """The files of one registry. Reading gives None for what is not there or is not what we write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.storage = path / "storage"
        self.code = path / "server.pyz"
        self.log = path / "server.log"
        self.lock = path / "server.lock"

    def settings(self) -> Settings | None:
        document = self.read("settings.json")
        with contextlib.suppress(ValueError):
            return None if document is None else Settings.from_document(document)
        return None

    def credentials(self) -> Credentials | None:
        document = self.read("credentials.json")
        with contextlib.suppress(ValueError):
            return None if document is None else Credentials.from_document(document)
        return None

    def running(self) -> Running | None:
        """The server that holds the lock and listens. The lock ends with its process: a stale id is never believed."""
        try:
            with open(self.lock, "rb") as file:
                document = None if _lock(file, fcntl.LOCK_SH) else _parse(file.read(_LIMIT))
        except FileNotFoundError:
            return None
        document = document or {}
        pid, port = document.get("pid"), document.get("port")
        if not (isinstance(pid, int) and isinstance(port, int) and pid > 1 and 0 < port < 2**16):
            return None
        return Running(pid, port)

    def last_log_line(self) -> str:
        """The end of the server's log, for an error message; empty where it said nothing."""
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4096))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def hold(self) -> t.BinaryIO | None:
        """Take the server's lock, for as long as the returned file is open; None where another process has it."""
        file = os.fdopen(os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        if _lock(file, fcntl.LOCK_EX):
            return t.cast("t.BinaryIO", file)
        file.close()
        return None

    def read(self, name: str) -> _Document | None:
        """One of our JSON files."""
        try:
            with open(self.path / name, "rb") as file:
                return _parse(file.read(_LIMIT))
        except FileNotFoundError:
            return None


def announce(lock: t.BinaryIO, running: Running) -> None:
    """Write into a held lock file, in one step, who holds it."""
    os.ftruncate(lock.fileno(), 0)
    os.pwrite(lock.fileno(), json.dumps(asdict(running)).encode(), 0)


def _lock(file: t.IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(content: bytes) -> _Document | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
