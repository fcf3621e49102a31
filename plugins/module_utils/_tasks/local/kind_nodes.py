# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind cluster says of its own nodes, and the record of what it was made with, asked inside its containers."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ..._kind.config import BALANCER, CONTROL_PLANE
from ..._shared.waiter import Sight, Waiter
from .._case import QUIET

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kind.docker import Container, Docker
    from .._case import Progress

RECORD = "/kind/proven.gitops.json"
KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=10s")
_PAUSE = 0.5


@dataclass(frozen=True)
class Readiness:
    """Nodes that are not ready, by name, with the reason; empty when all are."""

    waiting: t.Mapping[str, str]

    def __str__(self) -> str:
        return "; ".join(f"{name}: {reason}" for name, reason in sorted(self.waiting.items()))


def control_plane(nodes: t.Sequence[Container]) -> Container | None:
    """The control-plane node that was made first, which kind itself asks."""
    return min((one for one in nodes if one.role == CONTROL_PLANE), key=lambda one: len(one.name), default=None)


def readiness(docker: Docker, nodes: t.Sequence[Container]) -> Readiness:
    """Ask the API server in the control plane."""
    names = [one.name for one in nodes if one.role != BALANCER]
    plane = control_plane(nodes)
    if plane is None:
        return Readiness(dict.fromkeys(names, "there is no control plane"))
    result = docker.execute(plane.name, *KUBECTL, "get", "nodes", "--output=json")
    if result.exit_code != 0:
        return Readiness(dict.fromkeys(names, f"the API server does not answer ({result.reason})"))
    found = {one["metadata"]["name"]: _reason(one) for one in json.loads(result.stdout)["items"]}
    return Readiness({name: found.get(name, "has not joined") for name in names if found.get(name, "missing")})


def wait_until_ready(
    docker: Docker, nodes: t.Sequence[Container], seconds: float, progress: Progress = QUIET
) -> Readiness:
    """The last answer: nothing is waiting in it, or the time is up."""
    progress.start("made ready", 1, "clusters")

    def look() -> Sight[Readiness]:
        found = readiness(docker, nodes)
        return Sight(found, not found.waiting, "the nodes", str(found))

    return Waiter(seconds, pause=_PAUSE, tell=progress.waiting).until(look).value


def write_record(docker: Docker, node: str, parts: t.Mapping[str, str]) -> None:
    """Leave in the node what the cluster was made with. Nothing depends on it but what can be said of a drift."""
    document = json.dumps({"format": 1, "parts": dict(parts)}).encode()
    docker.execute(node, "cp", "/dev/stdin", RECORD, stdin=document)


def read_record(docker: Docker, node: str) -> dict[str, t.Any] | None:
    """The record's parts; None where there is none, as in a cluster that somebody else made."""
    result = docker.execute(node, "cat", RECORD)
    try:
        document = json.loads(result.stdout) if result.exit_code == 0 else None
    except ValueError:
        return None
    parts = document.get("parts") if isinstance(document, dict) else None
    return parts if isinstance(parts, dict) else None


def _reason(node: t.Mapping[str, t.Any]) -> str:
    """Why a node is not ready; empty when it is."""
    for condition in node["status"].get("conditions") or []:
        if condition["type"] == "Ready":
            return "" if condition["status"] == "True" else str(condition.get("message") or "not ready")[:300]
    return "has not reported yet"
