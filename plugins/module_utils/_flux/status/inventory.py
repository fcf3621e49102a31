# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kustomization applied, and what runs because of it.

Sources: kustomize-controller, api/v1/inventory_types.go (`<namespace>_<name>_<group>_<kind>`); Kubernetes, apps/v1,
batch/v1 and core/v1.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

# What runs pods that its own selector finds.
WORKLOADS = {
    ("apps", "Deployment"): "deployments",
    ("apps", "StatefulSet"): "statefulsets",
    ("apps", "DaemonSet"): "daemonsets",
    ("apps", "ReplicaSet"): "replicasets",
    ("batch", "Job"): "jobs",
}
_OPERATORS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}

Object = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Entry:
    """One object of an inventory."""

    namespace: str
    name: str
    group: str
    kind: str
    version: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def plural(self) -> str | None:
        """The resource's name in paths where it is a workload, else None."""
        return WORKLOADS.get((self.group, self.kind))


def entries(kustomization: Object) -> list[Entry]:
    """What is in `status.inventory`; names with a colon (of RBAC) are no workload's, and left out."""
    found = []
    for one in _list(_mapping(_mapping(kustomization.get("status")).get("inventory")).get("entries")):
        parts = str(_mapping(one).get("id", "")).split("_")
        if len(parts) == 4:
            namespace, name, group, kind = parts
            found.append(Entry(namespace, name, group, kind, str(_mapping(one).get("v", ""))))
    return found


def selector(workload: Object) -> str:
    """The workload's own selector, as a list call takes it; empty where it has none."""
    wanted = _mapping(_mapping(workload.get("spec")).get("selector"))
    parts = [f"{key}={value}" for key, value in sorted(_mapping(wanted.get("matchLabels")).items())]
    for one in _list(wanted.get("matchExpressions")):
        form = _OPERATORS.get(str(_mapping(one).get("operator")))
        if form:
            values = ",".join(str(value) for value in _list(one.get("values")))
            parts.append(form.format(key=one.get("key"), values=values))
    return ",".join(parts)


def pod_of(value: Object) -> dict[str, t.Any]:
    """Name, phase, readiness and images of a pod, as a task returns them."""
    status = _mapping(value.get("status"))
    conditions = [_mapping(one) for one in _list(status.get("conditions"))]
    done = status.get("phase") == "Succeeded"
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return {
        "name": str(_mapping(value.get("metadata")).get("name", "")),
        "phase": str(status.get("phase", "Unknown")),
        "ready": done or ready,
        "containers": [_container(_mapping(one)) for one in _list(status.get("containerStatuses"))],
    }


def is_leaving(value: Object) -> bool:
    """Whether a pod is on its way out, and so no longer what is meant to run."""
    return bool(_mapping(value.get("metadata")).get("deletionTimestamp"))


def _container(status: Object) -> dict[str, t.Any]:
    return {
        "name": str(status.get("name", "")),
        "image": str(status.get("image", "")),
        "image_id": str(status.get("imageID", "")),
        "ready": status.get("ready") is True,
        "restarts": status.get("restartCount") if isinstance(status.get("restartCount"), int) else 0,
    }


def _mapping(value: object) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[t.Any]:
    return value if isinstance(value, list) else []
