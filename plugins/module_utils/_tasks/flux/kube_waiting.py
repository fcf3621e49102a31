# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until definitions are served, workloads are available, or objects are gone; and say what holds them up.

Source: Kubernetes, kubectl's rollout status (kubectl/pkg/polymorphichelpers/rollout_status.go).
"""

from __future__ import annotations

import time
import typing as t

from ..._flux.declare.install_manifests import DEFINITION
from ..._kube import pods
from ..._kube.errors import NotInstalled
from ..._kube.transport import limited
from ..._shared.errors import GitopsError
from ..._shared.object_id import ObjectId
from .._case import QUIET

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kube.client import KubeClient
    from .._case import Progress

Object = dict[str, t.Any]
_PAUSE = 0.5
_LAST_LOOK = 5.0  # seconds for the answers that are asked for when the time is over


class NotReady(GitopsError):
    """Something did not come to its state in time; `details.waiting` has each object with what holds it up."""

    code = "not_ready"


class Waiting:
    """Looks at objects until a time that all of them share. `seconds` is that time from now."""

    def __init__(self, cluster: KubeClient, seconds: float, progress: Progress = QUIET) -> None:
        self._cluster = cluster
        self._progress = progress
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def until_established(self, definitions: t.Iterable[ObjectId]) -> None:
        """The API serves what these definitions define. Raises NotReady."""
        self._until(definitions, _unestablished, "is not served yet")

    def until_available(self, workloads: t.Iterable[ObjectId]) -> None:
        """Every replica of these Deployments is the newest and available. Raises NotReady with the pods' reasons."""
        self._until(workloads, _unavailable, "is not available yet", self._pods)

    def until_gone(self, objects: t.Iterable[ObjectId]) -> None:
        """None of these is there. Raises NotReady."""
        self._until(objects, _still_there, "is still there")

    def until_ready(self, objects: t.Iterable[ObjectId]) -> None:
        """Each says Ready of its present generation. Raises NotReady with what it says instead."""
        self._until(objects, _unready, "is not ready yet")

    def _until(
        self,
        objects: t.Iterable[ObjectId],
        judge: t.Callable[[Object | None], str],
        what: str,
        explain: t.Callable[[ObjectId, Object | None], str] | None = None,
    ) -> None:
        left = list(objects)
        while left:
            # An API server that drips would else keep us beyond that time.
            with limited(max(self._end - time.monotonic(), _LAST_LOOK)):
                found = {one: self._look(one) for one in left}
            waiting = {one: reason for one, live in found.items() if (reason := judge(live))}
            left = list(waiting)
            if left and time.monotonic() >= self._end:
                said = {str(one): (explain(one, found[one]) if explain else "") or waiting[one] for one in left}
                listing = "; ".join(f"{name}: {reason}" for name, reason in said.items())
                raise NotReady(f"after {self._seconds:g} s, {left[0]} {what}. {listing}", waiting=said)
            if left:
                more = f" and {len(left) - 1} more" if len(left) > 1 else ""
                spent = self._seconds - (self._end - time.monotonic())
                self._progress.waiting(f"{left[0]}{more}", waiting[left[0]], spent, self._seconds)
                time.sleep(_PAUSE)

    def _look(self, identity: ObjectId) -> Object | None:
        try:
            return self._cluster.get(self._cluster.locate(identity))
        except NotInstalled:
            return None

    def _pods(self, identity: ObjectId, live: Object | None) -> str:
        return pods.trouble(self._cluster, identity, live)


def conditions(live: t.Mapping[str, t.Any]) -> dict[str, t.Mapping[str, t.Any]]:
    """An object's conditions by their types."""
    return {one["type"]: one for one in (live.get("status") or {}).get("conditions") or [] if "type" in one}


def _unestablished(live: Object | None) -> str:
    if live is None:
        return "it is not there"
    found = conditions(live)
    refused = found.get("NamesAccepted", {})
    if refused.get("status") == "False":
        return str(refused.get("message"))
    return "" if found.get("Established", {}).get("status") == "True" else "the API does not serve it yet"


def _unavailable(live: Object | None) -> str:
    if live is None:
        return "it is not there"
    status, wanted = live.get("status") or {}, live["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 1):
        return "its new state is not seen yet"
    progressing = conditions(live).get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return str(progressing.get("message"))
    counts = {name: status.get(name, 0) for name in ("updatedReplicas", "availableReplicas", "replicas")}
    if counts["updatedReplicas"] < wanted or counts["availableReplicas"] < wanted or counts["replicas"] > wanted:
        return f"{counts['availableReplicas']} of {wanted} replicas available"
    return ""


def _still_there(live: Object | None) -> str:
    if live is None:
        return ""
    held = live["metadata"].get("finalizers")
    return f"finalizers: {', '.join(held)}" if held else "it is being deleted"


def _unready(live: Object | None) -> str:
    if live is None:
        return "it is not there"
    ready = conditions(live).get("Ready", {})
    if ready.get("observedGeneration") != live["metadata"].get("generation"):
        return "nothing is said of its present state yet"
    return "" if ready.get("status") == "True" else f"{ready.get('reason')}: {ready.get('message')}"[:500]


def is_definition(identity: ObjectId) -> bool:
    return (identity.api_version, identity.kind) == DEFINITION
