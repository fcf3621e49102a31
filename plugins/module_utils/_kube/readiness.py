# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until definitions are served, workloads are available, or objects are gone; and say what holds them up.

Source: Kubernetes, kubectl's rollout status (kubectl/pkg/polymorphichelpers/rollout_status.go).
"""

from __future__ import annotations

import typing as t

from .._shared.errors import GitopsError
from .._shared.object_id import ObjectId
from .._shared.shapes import at, mappings, number, text
from . import pods
from .client import KubeClient, Object
from .errors import NotInstalled
from .objects import metadata_of
from .waiter import Sight, Tell, Waiter, tell_nobody

Judge: t.TypeAlias = "t.Callable[[Object | None], str]"


class NotReady(GitopsError):
    """Something did not come to its state in time; `details.waiting` has each object with what holds it up."""

    code = "not_ready"


class Waiting:
    """Looks at objects until a time that all of them share. `seconds` is that time from now."""

    def __init__(self, client: KubeClient, seconds: float, tell: Tell = tell_nobody) -> None:
        self._client = client
        self._waiter = Waiter(seconds, tell=tell)

    def until_established(self, definitions: t.Iterable[ObjectId]) -> None:
        """The API serves what these definitions define. Raises NotReady."""
        self._until(definitions, unestablished, "is not served yet")

    def until_available(self, workloads: t.Iterable[ObjectId]) -> None:
        """Every replica of these Deployments is the newest and available. Raises NotReady with the pods' reasons."""
        self._until(workloads, unavailable, "is not available yet", with_pods=True)

    def until_gone(self, objects: t.Iterable[ObjectId]) -> None:
        """None of these is there. Raises NotReady."""
        self._until(objects, still_there, "is still there")

    def until_ready(self, objects: t.Iterable[ObjectId]) -> None:
        """Each says Ready of its present generation. Raises NotReady with what it says instead."""
        self._until(objects, unready, "is not ready yet")

    def _until(self, objects: t.Iterable[ObjectId], judge: Judge, what: str, *, with_pods: bool = False) -> None:
        left = list(objects)

        def look() -> Sight[dict[ObjectId, str]]:
            waiting: dict[ObjectId, str] = {}
            for one in list(left):
                live = self._get(one)
                reason = judge(live)
                if not reason:
                    left.remove(one)
                    continue
                waiting[one] = (with_pods and pods.trouble(self._client, one, live)) or reason
            first, words = next(iter(waiting.items()), ("", ""))
            more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
            return Sight(waiting, not waiting, f"{first}{more}", words)

        waiting = self._waiter.until(look).value
        if waiting:
            said = {str(one): reason for one, reason in waiting.items()}
            listing = "; ".join(f"{name}: {reason}" for name, reason in said.items())
            sentence = f"after {self._waiter.seconds:g} s, {next(iter(said))} {what}. {listing}"
            raise NotReady(sentence, waiting=said)

    def _get(self, identity: ObjectId) -> Object | None:
        try:
            return self._client.get(self._client.locate(identity))
        except NotInstalled:
            return None


def conditions(live: Object) -> dict[str, Object]:
    """An object's conditions by their types."""
    return {text(one.get("type")): one for one in mappings(at(live, "status", "conditions"))}


def unestablished(live: Object | None) -> str:
    if live is None:
        return "it is not there"
    found = conditions(live)
    refused = found.get("NamesAccepted", {})
    if refused.get("status") == "False":
        return text(refused.get("message")) or "its names are not accepted"
    return "" if found.get("Established", {}).get("status") == "True" else "the API does not serve it yet"


def unavailable(live: Object | None) -> str:
    if live is None:
        return "it is not there"
    wanted = number(at(live, "spec", "replicas"), 1)
    if number(at(live, "status", "observedGeneration")) < number(metadata_of(live).get("generation"), 1):
        return "its new state is not seen yet"
    progressing = conditions(live).get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return text(progressing.get("message")) or "its deadline is over"
    names = ("updatedReplicas", "availableReplicas", "replicas")
    updated, available, there = (number(at(live, "status", name)) for name in names)
    if updated < wanted or available < wanted or there > wanted:
        return f"{available} of {wanted} replicas available"
    return ""


def still_there(live: Object | None) -> str:
    if live is None:
        return ""
    held = metadata_of(live).get("finalizers")
    return f"finalizers: {', '.join(map(str, held))}" if held else "it is being deleted"


def unready(live: Object | None) -> str:
    if live is None:
        return "it is not there"
    ready = conditions(live).get("Ready", {})
    if ready.get("observedGeneration") != metadata_of(live).get("generation"):
        return "nothing is said of its present state yet"
    said = f"{text(ready.get('reason'))}: {text(ready.get('message'))}"[:500]
    return "" if ready.get("status") == "True" else said
