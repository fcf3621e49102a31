# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds that are the same in every cluster: how the API calls them in its paths, without asking it."""

from __future__ import annotations

import typing as t

from .._flux.kinds import KINDS


class Served(t.NamedTuple):
    """How the API calls the objects of a kind in its paths."""

    plural: str
    namespaced: bool


_BUILT_IN = (
    ("v1", "Namespace", "namespaces", False),
    ("v1", "Pod", "pods", True),
    ("v1", "Secret", "secrets", True),
    ("apps/v1", "Deployment", "deployments", True),
    ("apps/v1", "StatefulSet", "statefulsets", True),
    ("apps/v1", "DaemonSet", "daemonsets", True),
    ("apps/v1", "ReplicaSet", "replicasets", True),
    ("batch/v1", "Job", "jobs", True),
)
KNOWN: t.Final[t.Mapping[tuple[str, str], Served]] = {
    **{(version, kind): Served(plural, namespaced) for version, kind, plural, namespaced in _BUILT_IN},
    **{(one.api_version, one.name): Served(one.plural, True) for one in KINDS.values()},
}
