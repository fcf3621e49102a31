# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry as a process of its own: `python server.pyz DATA_DIRECTORY`, started by the module oci_registry."""

from __future__ import annotations

import os
import signal
import sys
import time
import typing as t
from pathlib import Path

from .api import Api
from .auth import Authenticator, Basic
from .datadir import DataDirectory, Running, announce
from .server import RegistryServer
from .store import Store
from .tokens import Bearer

if t.TYPE_CHECKING:  # pragma: no cover
    from .credentials import Credentials

_LOCK_ATTEMPTS = 40
_LOCK_PAUSE = 0.05  # seconds; whoever only looks holds the lock for microseconds


def main(arguments: t.Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. What goes wrong is one line on stderr, the last of the log."""
    directory = DataDirectory(Path(arguments[0]))
    try:
        return _run(directory)
    except OSError as error:
        return _fail(f"{error.filename or directory.path}: {error.strerror or error}")


def _run(directory: DataDirectory) -> int:
    settings = directory.settings()
    try:
        authenticator = make_authenticator(settings.auth if settings else "", directory.credentials())
    except ValueError:
        authenticator = None
    if settings is None or authenticator is None:
        return _fail("settings.json or credentials.json is missing or damaged")
    lock = _hold(directory)
    if lock is None:
        return _fail("another process serves this data directory")
    with lock:
        store = Store(directory.storage)
        store.discard_incomplete()
        api = Api(store, authenticator, referrers=settings.referrers)
        try:
            server = RegistryServer(settings.host, settings.port, api)
        except OSError as error:
            return _fail(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}")
        return _serve(server, lock)


def make_authenticator(auth: str, credentials: Credentials | None) -> Authenticator:
    """The authenticator for `none`, `basic` or `bearer`. Raises ValueError rather than leave a door open by mistake."""
    if auth == "none":
        return Authenticator()
    if credentials is None or auth not in ("basic", "bearer"):
        raise ValueError(f"authentication {auth} needs credentials")
    return Bearer(credentials) if auth == "bearer" else Basic(credentials)


def _serve(server: RegistryServer, lock: t.BinaryIO) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    announce(lock, Running(os.getpid(), server.port))
    _say(f"listening on {server.address}")
    server.serve_forever()
    server.server_close()
    _say("stopped")
    return 0


def _hold(directory: DataDirectory) -> t.BinaryIO | None:
    for _attempt in range(_LOCK_ATTEMPTS):
        lock = directory.hold()
        if lock is not None:
            return lock
        time.sleep(_LOCK_PAUSE)
    return None


def _say(what: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f"{now} {what}\n")


def _fail(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1
