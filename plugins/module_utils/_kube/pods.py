# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads and their pods: which pods are one's, what they run, and what holds them up, in their own words.

Sources: Kubernetes, apps/v1, batch/v1 and core/v1; pkg/kubelet/images and pkg/kubelet/kuberuntime (reasons).
"""

from __future__ import annotations

import typing as t

from .._shared.object_id import ObjectId
from .._shared.shapes import at, mapping, mappings, number, text
from .client import KubeClient, Object
from .errors import KubeError
from .objects import is_leaving, metadata_of

# What runs pods that its own selector finds.
WORKLOADS = frozenset(
    {
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
    }
)
_OPERATORS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}
_ON_THE_WAY = frozenset({"", "ContainerCreating", "PodInitializing", "Completed"})
_LONGEST = 300  # characters of one reason
_MOST = 3  # pods of one workload that are spoken of

Value = t.Mapping[str, t.Any]


def is_workload(identity: ObjectId) -> bool:
    """Whether pods run because of it."""
    return (identity.api_version, identity.kind) in WORKLOADS


def selector(workload: Value) -> str:
    """The workload's own selector, as a list call takes it; empty where it has none."""
    wanted = at(workload, "spec", "selector")
    parts = [f"{key}={value}" for key, value in sorted(mapping(at(wanted, "matchLabels")).items())]
    for one in mappings(at(wanted, "matchExpressions")):
        form = _OPERATORS.get(text(one.get("operator")))
        if form:
            listed = one.get("values")
            values = ",".join(str(value) for value in (listed if isinstance(listed, list) else []))
            parts.append(form.format(key=one.get("key"), values=values))
    return ",".join(parts)


def pods_of(client: KubeClient, identity: ObjectId, workload: Value | None) -> list[Object]:
    """The pods that are meant to run because of it. Raises KubeError's kinds."""
    chosen = selector(workload) if workload else ""
    if not chosen:  # without one a list would find every pod of the namespace
        return []
    collection = client.locate(ObjectId("v1", "Pod", identity.namespace, ""))
    return [one for one in client.find(collection, label_selector=chosen) if not is_leaving(one)]


def described(pod: Value) -> dict[str, t.Any]:
    """Name, phase, readiness and images of a pod, as a task returns them."""
    status = mapping(pod.get("status"))
    done = status.get("phase") == "Succeeded"
    ready = _condition(pod, "Ready").get("status") == "True"
    return {
        "name": text(metadata_of(pod).get("name")),
        "phase": text(status.get("phase")) or "Unknown",
        "ready": done or ready,
        "containers": [_container(one) for one in mappings(status.get("containerStatuses"))],
    }


def _container(status: Value) -> dict[str, t.Any]:
    return {
        "name": text(status.get("name")),
        "image": text(status.get("image")),
        "image_id": text(status.get("imageID")),
        "ready": status.get("ready") is True,
        "restarts": number(status.get("restartCount")),
    }


def trouble(client: KubeClient, identity: ObjectId, workload: Value | None) -> str:
    """What keeps a workload's pods from running, such as `pod web-1: ImagePullBackOff: …`.

    Empty where nothing does, and where these credentials may not see the pods: what Flux says is enough then.
    """
    refused = pods_refused(workload)
    if refused:
        return refused
    try:
        pods = pods_of(client, identity, workload)
    except KubeError:
        return ""
    found: dict[str, str] = {}
    for pod in pods:
        reason = pod_trouble(pod)
        if reason:  # the pods of one workload mostly have the same trouble
            found.setdefault(reason, text(metadata_of(pod).get("name")))
    return "; ".join(f"pod {name}: {reason}" for reason, name in list(found.items())[:_MOST])


def pods_refused(workload: Value | None) -> str:
    """Why the API server takes no pods of a workload, such as a quota; empty where it takes them."""
    failure = _condition(workload or {}, "ReplicaFailure")
    return _said(failure) if failure.get("status") == "True" else ""


def pod_trouble(pod: Value) -> str:
    """What keeps a pod from running: its containers' reasons, or that of its place; empty where nothing does."""
    status = mapping(pod.get("status"))
    for one in [*mappings(status.get("initContainerStatuses")), *mappings(status.get("containerStatuses"))]:
        reason = _container_trouble(one)
        if reason:
            return reason[:_LONGEST]
    for kind in ("PodScheduled", "DisruptionTarget"):
        condition = _condition(pod, kind)
        if condition.get("status") == ("False" if kind == "PodScheduled" else "True"):
            return _said(condition)
    return _said(status) if status.get("phase") == "Failed" else ""


def _container_trouble(status: Value) -> str:
    held = mapping(at(status, "state", "waiting")) or mapping(at(status, "state", "terminated"))
    reason = text(held.get("reason"))
    if reason in _ON_THE_WAY:
        return ""
    ended = mapping(at(status, "lastState", "terminated")) or mapping(at(status, "state", "terminated"))
    parts = [reason]
    if ended:
        # Of a container that ends again and again, the kubelet's message says no more than that.
        said = text(ended.get("message"))
        parts += [f"container {text(status.get('name'))} ended with exit code {number(ended.get('exitCode'))}", said]
    else:
        parts += [text(status.get("image")), text(held.get("message"))]
    return ": ".join(part for part in parts if part)


def _condition(value: Value, kind: str) -> dict[str, t.Any]:
    found = mappings(at(value, "status", "conditions"))
    return next((one for one in found if one.get("type") == kind), {})


def _said(value: Value) -> str:
    return ": ".join(part for part in (text(value.get("reason")), text(value.get("message"))) if part)[:_LONGEST]
