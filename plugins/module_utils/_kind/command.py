# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of docker or kind, in this user's surroundings."""

from __future__ import annotations

import os
import re
import typing as t

from .._shared import process
from .._shared.environment import OURS
from .._shared.process import Command, Result
from .errors import KindError

# Options of ours that hold secrets no child process needs, and what would make kind work on something else.
_DROPPED = (*OURS, "GIT_", "KUBECONFIG", "KIND_CLUSTER_NAME")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\u00a0-\uffff\n]")


def environment(inherited: t.Mapping[str, str] | None = None) -> dict[str, str]:
    """The surroundings of docker and kind: this user's, in English."""
    variables = os.environ if inherited is None else inherited
    kept = {name: value for name, value in variables.items() if not name.startswith(_DROPPED)}
    return {**kept, "LC_ALL": "C", "KIND_EXPERIMENTAL_PROVIDER": "docker"}


def run(arguments: t.Sequence[str], *, stdin: bytes = b"", timeout: float) -> Result:
    """Run to the end, whatever it is; ended with its children after `timeout` seconds. KindError if it cannot start."""
    command = Command(tuple(arguments), environment(), stdin, timeout)
    try:
        return process.run(command, lambda text: _CONTROL.sub("", text))
    except (process.CannotRun, process.TooMuchOutput) as error:
        raise KindError(error.message, command=arguments[0]) from None
