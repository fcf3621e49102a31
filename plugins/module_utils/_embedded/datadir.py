# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's data directory, as both its server and the module that starts it know it.

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
import shutil
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.proven.gitops.plugins.module_utils._embedded.credentials import Credentials

MARKER = ".proven-gitops-registry"
_FILES = (MARKER, "settings.json", "credentials.json", "server.pyz", "server.log", "server.lock")
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
        self._lock = path / "server.lock"

    # What is there

    def is_ours(self) -> bool:
        return (self.path / MARKER).is_file()

    def is_empty(self) -> bool:
        """Whether there is nothing, or an empty directory."""
        try:
            return not any(self.path.iterdir())
        except FileNotFoundError:
            return True

    def settings(self) -> Settings | None:
        document = self._read("settings.json")
        with contextlib.suppress(ValueError):
            return None if document is None else Settings.from_document(document)
        return None

    def credentials(self) -> Credentials | None:
        document = self._read("credentials.json")
        with contextlib.suppress(ValueError):
            return None if document is None else Credentials.from_document(document)
        return None

    def running(self) -> Running | None:
        """The server that holds the lock and listens. The lock ends with its process: a stale id is never believed."""
        try:
            with open(self._lock, "rb") as file:
                document = None if _lock(file, fcntl.LOCK_SH) else _parse(file.read(_LIMIT))
        except FileNotFoundError:
            return None
        document = document or {}
        pid, port = document.get("pid"), document.get("port")
        return Running(pid, port) if isinstance(pid, int) and isinstance(port, int) else None

    def last_log_line(self) -> str:
        """The end of the server's log, for an error message; empty where it said nothing."""
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4096))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    # Changes

    def create(self) -> None:
        """Make the directory ours. It must be empty, or ours already."""
        made = not self.path.exists()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.is_ours():
            self._write(MARKER, json.dumps({"format": 1, "made_directory": made}).encode())

    def write_settings(self, settings: Settings) -> None:
        self._write("settings.json", json.dumps(settings.as_document(), indent=2).encode())

    def write_credentials(self, credentials: Credentials | None) -> None:
        if credentials is None:
            (self.path / "credentials.json").unlink(missing_ok=True)
        else:
            self._write("credentials.json", json.dumps(credentials.as_document()).encode())

    def write_code(self, archive: bytes) -> None:
        self._write(self.code.name, archive)

    def remove(self) -> list[str]:
        """Remove our files, and the directory if we made it and nothing else is in it; the names of what was left."""
        made = (self._read(MARKER) or {}).get("made_directory") is True
        _remove_tree(self.storage)
        for name in reversed(_FILES):  # the marker last: until then a second attempt is possible
            (self.path / name).unlink(missing_ok=True)
        left = sorted(entry.name for entry in self.path.iterdir())
        if made and not left:
            self.path.rmdir()
        return left

    @contextlib.contextmanager
    def exclusively(self) -> t.Iterator[None]:
        """One module at a time starts, stops or removes this registry. Not the server's own lock."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def clear_lock(self) -> None:
        """Drop what a dead server wrote, before a new one takes the lock: its process id may be another's by now."""
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self._lock, 0)

    def hold(self) -> t.BinaryIO | None:
        """Take the server's lock for as long as the returned file is open; None where another process has it."""
        file = os.fdopen(os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        if _lock(file, fcntl.LOCK_EX):
            return t.cast("t.BinaryIO", file)
        file.close()
        return None

    def _read(self, name: str) -> _Document | None:
        try:
            with open(self.path / name, "rb") as file:
                return _parse(file.read(_LIMIT))
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        temporary = self.path / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        os.replace(temporary, self.path / name)


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


def _remove_tree(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
