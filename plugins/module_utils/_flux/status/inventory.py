# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Kustomization applied.

Source: kustomize-controller, api/v1/inventory_types.go (`<namespace>_<name>_<group>_<kind>`).
"""

from __future__ import annotations

import typing as t

from ..._shared.object_id import ObjectId
from ..._shared.shapes import at, mappings, text
from .. import names


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


def checked(kustomization: t.Mapping[str, t.Any]) -> list[ObjectId]:
    """What `spec.healthChecks` names beside: it need not be what the Kustomization applied."""
    found = []
    for one in mappings(at(kustomization, "spec", "healthChecks")):
        parts = [text(one.get(name)) for name in ("apiVersion", "kind", "namespace", "name")]
        if not names.wrong_label_name(parts[2]) and not names.wrong_subdomain(parts[3]):
            found.append(ObjectId(*parts))
    return found
