# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a program: what is run, in which surroundings, and what came of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
import typing as t
from dataclasses import dataclass, field

from .._shared.scrub import Scrubber
from .errors import GitError, GitUnavailable

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

_MAX_STDOUT = 256 * 1024 * 1024
_MAX_STDERR = 64 * 1024
# Time to remove lock files before SIGKILL, which would leave them; also how long an orphan may hold our pipes.
_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Command:
    """An argument vector, `stdin` for it, and the seconds it may take. No argument is ever a secret."""

    arguments: tuple[str, ...]
    environment: t.Mapping[str, str]
    stdin: bytes = b""
    timeout: float = 60.0


@dataclass(frozen=True)
class Result:
    """`stderr` is scrubbed and cut to its last part; `exit_code` is negative for a signal, as in subprocess."""

    command: Command
    exit_code: int
    stdout: bytes
    stderr: str
    seconds: float
    timed_out: bool = False

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape").strip()


@dataclass
class _Drain:
    """Reads a pipe to its end and keeps no more than `limit` bytes of it: the first ones, or the last (`tail`)."""

    stream: t.IO[bytes]
    limit: int
    tail: bool
    kept: bytearray = field(default_factory=bytearray)
    overflow: bool = False

    def run(self) -> None:
        while chunk := self.stream.read1(65536):  # type: ignore[attr-defined]
            self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        if self.tail:
            self.kept += chunk
            del self.kept[: -self.limit]
        elif len(self.kept) + len(chunk) <= self.limit:
            self.kept += chunk
        else:
            self.overflow = True


def run(command: Command, directory: Path, scrub: Scrubber) -> Result:
    """Run a command in a session of its own, so that nothing can ask at a terminal and all of it can be ended.

    Raises GitUnavailable when it cannot be started, GitError when it prints more than 256 MiB.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile(dir=directory) as stdin:
        stdin.write(command.stdin)
        stdin.seek(0)
        try:
            # An argument vector, no shell. Ansible's run_command bounds neither time nor output.
            process = subprocess.Popen(  # noqa: S603  # pylint: disable=ansible-bad-function
                command.arguments,
                cwd=directory,
                env=dict(command.environment),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise GitUnavailable(f"cannot run {command.arguments[0]}: {error.strerror}") from error
    out, err, timed_out = _finish(process, command.timeout)
    if out.overflow:
        raise GitError(f"{' '.join(command.arguments[:2])} printed more than {_MAX_STDOUT} bytes")
    return Result(
        command=command,
        exit_code=process.returncode,
        stdout=bytes(out.kept),
        stderr=scrub.lines(err.kept.decode("utf-8", "replace")),
        seconds=time.monotonic() - started,
        timed_out=timed_out,
    )


def _finish(process: subprocess.Popen[bytes], timeout: float) -> tuple[_Drain, _Drain, bool]:
    out = _Drain(t.cast("t.IO[bytes]", process.stdout), _MAX_STDOUT, tail=False)
    err = _Drain(t.cast("t.IO[bytes]", process.stderr), _MAX_STDERR, tail=True)
    threads = [threading.Thread(target=drain.run, daemon=True) for drain in (out, err)]
    timed_out = False
    try:
        for thread in threads:
            thread.start()
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:  # also when the task itself is told to end
        _end(process)
        for thread, drain in zip(threads, (out, err), strict=True):
            _join(process, thread, drain)
    return out, err, timed_out


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _join(process: subprocess.Popen[bytes], thread: threading.Thread, drain: _Drain) -> None:
    thread.join(_GRACE_SECONDS)
    if thread.is_alive():  # a grandchild outlived its parent and holds the pipe
        _signal(process, signal.SIGKILL)
        thread.join(_GRACE_SECONDS)
    if not thread.is_alive():  # closing under a blocked reader would block us too
        drain.stream.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
