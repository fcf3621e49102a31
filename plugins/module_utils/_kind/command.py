# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of docker or kind: an argument vector, in a session of its own, with a time by which it has to end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import typing as t
from dataclasses import dataclass

from .._shared.environment import OURS
from .errors import KindError

_GRACE_SECONDS = 5.0
# Options of ours that hold secrets no child process needs, and what would make kind work on something else.
_DROPPED = (*OURS, "GIT_", "KUBECONFIG", "KIND_CLUSTER_NAME")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\u00a0-\uffff\n]")


@dataclass(frozen=True)
class Result:
    """What came of it. `output` may be secret (a kubeconfig is); `errors` is text for a person."""

    exit_code: int
    output: bytes
    errors: str
    timed_out: bool = False

    @property
    def reason(self) -> str:
        """The last lines of what went wrong, in one line."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return "; ".join(lines[-3:])[-600:]


def environment(inherited: t.Mapping[str, str] | None = None) -> dict[str, str]:
    """The surroundings of docker and kind: this user's, in English."""
    variables = os.environ if inherited is None else inherited
    kept = {name: value for name, value in variables.items() if not name.startswith(_DROPPED)}
    return {**kept, "LC_ALL": "C", "KIND_EXPERIMENTAL_PROVIDER": "docker"}


def run(arguments: t.Sequence[str], *, stdin: bytes = b"", timeout: float) -> Result:
    """Run to the end, whatever it is; ended with its children after `timeout` seconds. KindError if it cannot start."""
    try:
        process = subprocess.Popen(  # noqa: S603  # pylint: disable=ansible-bad-function  # no shell
            arguments,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise KindError(f"cannot run {arguments[0]}: {error.strerror}", command=arguments[0]) from None
    timed_out = False
    try:
        output, errors = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        output, errors = _end(process)
    finally:  # also when the task itself is told to end: what it began must not go on without it
        if process.poll() is None:
            _end(process)
    return Result(process.returncode, output, _CONTROL.sub("", errors.decode("utf-8", "replace")), timed_out)


def _end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_GRACE_SECONDS)
    return b"", b""
