# SPDX-License-Identifier: GPL-3.0-or-later
"""What identifies an object of Kubernetes, and its one form as text."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ObjectId:
    """`api_version` is `group/version`, or the core's `v1`. `namespace` is empty for what belongs to the cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: t.Mapping[str, t.Any]) -> ObjectId:
        """The identity of a manifest whose apiVersion, kind and metadata.name are texts."""
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata.get("namespace") or "", metadata["name"])

    @property
    def group(self) -> str:
        """The API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]

    def as_value(self) -> dict[str, str]:
        """As a task returns it."""
        return {
            "api_version": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
        }

    def __str__(self) -> str:
        """`Kind namespace/name`, or `Kind name` for what belongs to the cluster; `*` for all of them."""
        name = self.name or "*"
        return f"{self.kind} {self.namespace}/{name}" if self.namespace else f"{self.kind} {name}"
