# SPDX-License-Identifier: GPL-3.0-or-later
"""One object of Flux that somebody declares: its kind, a row of the table in kinds.py, and its spec."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:  # pragma: no cover
    from ..kinds import Kind

Manifest = dict[str, t.Any]


@dataclass(frozen=True)
class Declaration:
    """`spec` is as Flux spells it, in the order in which it is to be shown."""

    kind: Kind
    namespace: str
    name: str
    spec: Manifest
    labels: t.Mapping[str, t.Any] = field(default_factory=dict)
    annotations: t.Mapping[str, t.Any] = field(default_factory=dict)

    def manifest(self) -> Manifest:
        """Plain data, keys in the order apiVersion, kind, metadata, spec."""
        metadata: Manifest = {"name": self.name, "namespace": self.namespace}
        for what, chosen in (("labels", self.labels), ("annotations", self.annotations)):
            if chosen:
                metadata[what] = {key: chosen[key] for key in sorted(chosen)}
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.name,
            "metadata": metadata,
            "spec": self.spec,
        }
