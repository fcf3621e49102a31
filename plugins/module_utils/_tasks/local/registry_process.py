# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a local registry: started apart from its task, and ended by its lock, not by a number."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import typing as t

from ..._shared.errors import GitopsError
from ..._shared.waiter import Sight, Waiter

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._embedded.datadir import Running
    from .registry_directory import RegistryDirectory

_PAUSE = 0.02  # seconds between two looks
_TERM_SECONDS = 5.0
_KILL_SECONDS = 5.0
_PROBE_SECONDS = 5.0
# The server gets none of the task's environment but what an interpreter may need: passwords come that way, too.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what listens everywhere is asked on loopback


class RegistryProcessError(GitopsError):
    """The registry's process cannot be started or stopped."""

    code = "registry_process"


def local_host(host: str) -> str:
    """The host by which this machine reaches a server that listens on `host`."""
    return _ANY_ADDRESS.get(host, host)


def answers(host: str, port: int, timeout: float = _PROBE_SECONDS) -> bool:
    """Whether a registry answers there; one that asks for credentials does."""
    connection = http.client.HTTPConnection(local_host(host), port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except (OSError, http.client.HTTPException):
            return False


def start(directory: RegistryDirectory, host: str, timeout: float) -> Running:
    """Start the server whose code and settings are in place, and wait until it answers.

    The caller holds the directory's `exclusively()`, and no server runs there. Raises RegistryProcessError.
    """
    directory.clear_lock()
    process = _spawn(directory)
    waiter = Waiter(timeout, pause=_PAUSE)

    def look() -> Sight[Running | None]:
        running = directory.running()
        if running is not None and answers(host, running.port, max(_PAUSE, waiter.left)):
            return Sight(running, done=True)
        return Sight(None, done=process.poll() is not None)

    running = waiter.until(look).value
    if running is not None:
        process.returncode = 0  # it is meant to outlive us; Popen would warn of that
        return running
    if process.poll() is not None:
        reason = directory.last_log_line() or f"exit status {process.returncode}"
        raise RegistryProcessError(f"the registry did not start: {reason}", log=str(directory.log))
    process.kill()
    process.wait()
    reason = directory.last_log_line() or "its log is empty"
    message = f"the registry did not answer within {timeout:g} seconds (wait_timeout): {reason}"
    raise RegistryProcessError(message, log=str(directory.log))


def stop(directory: RegistryDirectory) -> None:
    """End the server of a data directory, gently at first. Raises RegistryProcessError."""
    for number, seconds in ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        running = directory.running()  # asked anew before each signal: an ended process's number may be another's
        if running is None:
            return
        _signal(running.pid, number)
        Waiter(seconds, pause=_PAUSE).until(lambda: Sight(None, done=directory.running() is None))
    running = directory.running()
    if running is not None:
        raise RegistryProcessError(f"process {running.pid} does not end", pid=running.pid)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise RegistryProcessError(f"process {pid} belongs to another user", pid=pid) from None


def _spawn(directory: RegistryDirectory) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(directory.log, flags, 0o600), "wb") as log:
        # Our own code, by its path. It outlives the task, which nothing that run_command starts does.
        return subprocess.Popen(  # noqa: S603  # pylint: disable=ansible-bad-function
            [sys.executable, "-I", str(directory.code), str(directory.path)],
            cwd=directory.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
            umask=0o077,
        )
