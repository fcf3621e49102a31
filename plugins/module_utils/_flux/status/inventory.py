# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kustomization applied.

Source: kustomize-controller, api/v1/inventory_types.go (`<namespace>_<name>_<group>_<kind>`).
"""

from __future__ import annotations

import typing as t

from ..._shared.object_id import ObjectId
from ..._shared.shapes import at, mappings, text


def entries(kustomization: t.Mapping[str, t.Any]) -> list[ObjectId]:
    """What is in `status.inventory`; names with a colon (of RBAC) are no workload's, and left out."""
    found = []
    for one in mappings(at(kustomization, "status", "inventory", "entries")):
        parts = text(one.get("id")).split("_")
        if len(parts) == 4:
            namespace, name, group, kind = parts
            version = text(one.get("v"))
            found.append(ObjectId(f"{group}/{version}" if group else version, kind, namespace, name))
    return found
