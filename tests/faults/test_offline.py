# SPDX-License-Identifier: GPL-3.0-or-later
"""That this very run, all of it, has no network but loopback: `make faults` arranges it (.ci/offline)."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / ".ci" / "offline"


def _alone() -> bool:
    return [name for _number, name in socket.if_nameindex()] == ["lo"]


@pytest.mark.fault("N1")
@pytest.mark.slow
def test_there_is_loopback_and_nothing_else() -> None:
    if not _alone():
        pytest.skip("this run has a network: no network namespace could be made (or it was not run by make faults)")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    with (
        pytest.raises(OSError, match="unreachable") as caught,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.connect(("192.0.2.1", 9))
    assert caught.value.errno == errno.ENETUNREACH


@pytest.mark.slow
def test_a_command_that_runs_there() -> None:
    """As the same user, with its arguments and its status, and alone."""
    program = "import os, socket, sys; print(os.geteuid(), socket.if_nameindex(), sys.argv[1:]); sys.exit(7)"
    command = [str(SCRIPT), sys.executable, "-c", program, "a b", "$c"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip(done.stderr)
    assert (done.returncode, done.stdout) == (7, f"{os.geteuid()} [(1, 'lo')] ['a b', '$c']\n"), done.stderr
