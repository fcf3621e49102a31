# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a program: an argument vector, in a session of its own, with a time and a size by which it has to end."""

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

from .errors import GitopsError

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

MAX_STDOUT = 256 * 1024 * 1024
_MAX_STDERR = 64 * 1024
# Time to remove lock files before SIGKILL, which would leave them; also how long an orphan may hold our pipes.
_GRACE_SECONDS = 3.0


class CannotRun(GitopsError):
    """The program cannot be started."""

    code = "cannot_run"


class TooMuchOutput(GitopsError):
    """The program printed more than it may. It was ended."""

    code = "too_much_output"


@dataclass(frozen=True)
class Command:
    """An argument vector, `stdin` for it, and the seconds and bytes that it may take. No argument is ever a secret."""

    arguments: tuple[str, ...]
    environment: t.Mapping[str, str]
    stdin: bytes = b""
    timeout: float = 60.0
    max_stdout: int = MAX_STDOUT


@dataclass(frozen=True)
class Result:
    """What came of it. `stdout` may be secret; `stderr` is text for a person, cut to its last part.

    `exit_code` is negative for a signal.
    """

    command: Command
    exit_code: int
    stdout: bytes = b""
    stderr: str = ""
    seconds: float = 0.0
    timed_out: bool = False

    @property
    def text(self) -> str:
        """`stdout` as text, without the blanks around it."""
        return self.stdout.decode("utf-8", "surrogateescape").strip()

    @property
    def reason(self) -> str:
        """The last lines of what went wrong, in one line."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return "; ".join(lines[-3:])[-600:]


def run(command: Command, clean: t.Callable[[str], str], directory: Path | None = None) -> Result:
    """Run to the end, or end it with all that it started. Nothing in it can ask at a terminal.

    `clean` makes what it says on standard error fit for a person. Raises CannotRun and TooMuchOutput.
    """
    started = time.monotonic()
    try:
        process = _start(command, directory)
    except OSError as error:
        raise CannotRun(f"cannot run {command.arguments[0]}: {error.strerror}") from None
    out, err, timed_out = _finish(process, command)
    if out.overflow:
        raise TooMuchOutput(f"{' '.join(command.arguments[:2])} printed more than {command.max_stdout} bytes")
    return Result(
        command=command,
        exit_code=process.returncode,
        stdout=bytes(out.kept),
        stderr=clean(err.kept.decode("utf-8", "replace")),
        seconds=time.monotonic() - started,
        timed_out=timed_out,
    )


def _start(command: Command, directory: Path | None) -> subprocess.Popen[bytes]:
    # From a file without a name: a pipe would have to be fed while the output is read.
    with tempfile.TemporaryFile(dir=directory) as stdin:
        stdin.write(command.stdin)
        stdin.seek(0)
        # An argument vector, no shell. Ansible's run_command bounds neither time nor output.
        return subprocess.Popen(  # noqa: S603  # pylint: disable=ansible-bad-function
            command.arguments,
            cwd=directory,
            env=dict(command.environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


@dataclass
class _Drain:
    """Reads a pipe to its end and keeps no more than `limit` bytes of it: the last ones (`tail`), or all of it."""

    process: subprocess.Popen[bytes]
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
        elif not self.overflow:
            self.overflow = True
            _signal(self.process, signal.SIGKILL)


def _finish(process: subprocess.Popen[bytes], command: Command) -> tuple[_Drain, _Drain, bool]:
    out = _Drain(process, t.cast("t.IO[bytes]", process.stdout), command.max_stdout, tail=False)
    err = _Drain(process, t.cast("t.IO[bytes]", process.stderr), _MAX_STDERR, tail=True)
    threads = [threading.Thread(target=drain.run, daemon=True) for drain in (out, err)]
    timed_out = False
    try:
        for thread in threads:
            thread.start()
        process.wait(command.timeout)
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
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
