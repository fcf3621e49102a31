# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of a program: its end, its time, and what it gets to see."""

from __future__ import annotations

import sys
import time

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._kind.command import environment, run
from ansible_collections.proven.gitops.plugins.module_utils._kind.errors import KindError

SLEEPER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


def test_output_errors_and_input() -> None:
    program = (
        "import sys; sys.stdout.write(sys.stdin.read()); sys.stderr.write('a\\n\\x1b[31mb\\x1b[0m\\n\\n'); sys.exit(3)"
    )
    done = run([sys.executable, "-c", program], stdin=b"in", timeout=30)
    assert (done.exit_code, done.stdout, done.reason, done.timed_out) == (3, b"in", "a; b", False)


def test_it_ends_in_time_with_its_children() -> None:
    start = time.monotonic()
    done = run([sys.executable, "-c", SLEEPER], timeout=0.5)
    assert done.timed_out
    assert time.monotonic() - start < 10


def test_what_cannot_be_started() -> None:
    with pytest.raises(KindError, match="cannot run /nowhere/kind: No such file"):
        run(["/nowhere/kind"], timeout=1)


def test_no_secret_and_no_other_cluster_reaches_it() -> None:
    given = {
        "PATH": "/bin",
        "PROVEN_GIT_TOKEN": "canary",
        "COSIGN_PASSWORD": "canary",
        "KUBECONFIG": "/other",
        "KIND_CLUSTER_NAME": "other",
        "KIND_EXPERIMENTAL_PROVIDER": "podman",
        "DOCKER_HOST": "unix:///x",
    }
    assert environment(given) == {
        "PATH": "/bin",
        "DOCKER_HOST": "unix:///x",
        "KIND_EXPERIMENTAL_PROVIDER": "docker",
        "LC_ALL": "C",
    }
