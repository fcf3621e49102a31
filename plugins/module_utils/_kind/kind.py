# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the kind program that use-cases need."""

from __future__ import annotations

import shutil

from . import command
from .errors import CreationFailed, KindError, KindMissing


class Kind:
    """The kind program named `program`, or at that path."""

    def __init__(self, program: str = "kind") -> None:
        self._program = program

    def missing(self) -> KindMissing | None:
        """Why it cannot be run, if it is not there."""
        if shutil.which(self._program) is not None:
            return None
        where = "on PATH" if "/" not in self._program else "there, or cannot be run"
        return KindMissing(
            f"the program {self._program} is not {where}: install kind first (https://kind.sigs.k8s.io), or let the "
            "role kind_cluster do it with kind_cluster_kind_version and kind_cluster_kind_checksum"
        )

    def create(self, name: str, config: bytes, kubeconfig: str, timeout: float) -> None:
        """Make a cluster from a configuration in JSON or YAML. CreationFailed says why not."""
        arguments = ("create", "cluster", "--name", name, "--config", "-", "--kubeconfig", kubeconfig)
        result = command.run((self._program, *arguments), stdin=config, timeout=timeout)
        if result.exit_code == 0:
            return
        if result.timed_out:
            raise CreationFailed(
                f"{name}: kind was not done after {timeout:g} s, and was stopped: give it more time with "
                f"create_timeout. What it said last: {result.reason}"
            )
        raise CreationFailed(f"{name}: kind cannot make the cluster: {_why(result.stderr) or result.reason}")

    def kubeconfig(self, name: str) -> bytes | None:
        """The kubeconfig of an administrator, which is a secret; None where the cluster has none (yet)."""
        result = command.run((self._program, "get", "kubeconfig", "--name", name), timeout=60)
        if result.timed_out:
            raise KindError(f"kind get kubeconfig --name {name}: no answer in time")
        return result.stdout if result.exit_code == 0 and result.stdout.strip() else None


def _why(errors: str) -> str:
    """The line with kind's own reason, and what docker said below it."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    start = next((number for number, line in enumerate(lines) if line.startswith("ERROR")), None)
    if start is None:
        return ""
    reason = lines[start].removeprefix("ERROR:").strip()
    output = [line.removeprefix("Command Output:").strip() for line in lines[start + 1 :] if "Command Output:" in line]
    return "; ".join([reason[:400], *output[:1]])[:900]
