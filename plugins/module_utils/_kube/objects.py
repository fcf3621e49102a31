# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of any kind as the API server returns them: when two are the same, and what of one may be shown."""

from __future__ import annotations

import hashlib
import json
import typing as t

Object = t.Mapping[str, t.Any]

# What the API server writes by itself.
_VOLATILE = frozenset(
    {"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink", "deletionTimestamp"}
)
_HIDDEN = "(hidden)"


def plain(value: Object) -> dict[str, t.Any]:
    """The object without its status and without what the API server writes by itself."""
    metadata = {key: one for key, one in (value.get("metadata") or {}).items() if key not in _VOLATILE}
    return {**{key: one for key, one in value.items() if key not in ("status", "metadata")}, "metadata": metadata}


def same(one: Object, other: Object) -> bool:
    """Whether two states of an object differ in nothing that somebody declared."""
    return plain(one) == plain(other)


def shown(value: Object) -> dict[str, t.Any]:
    """What a person may see: nothing of a Secret's data, and of a definition's schemas only that they differ."""
    found = plain(value)
    if found.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if isinstance(found.get(part), dict):
                found[part] = dict.fromkeys(sorted(found[part]), _HIDDEN)
    if found.get("kind") == "CustomResourceDefinition" and isinstance(found.get("spec"), dict):
        versions = [one for one in found["spec"].get("versions") or [] if isinstance(one, dict)]
        found["spec"] = {
            **found["spec"],
            "versions": [{**one, "schema": _digest(one.get("schema"))} for one in versions],
        }
    return {key: found[key] for key in (*_FIRST, *sorted(set(found) - set(_FIRST))) if key in found}


_FIRST = ("apiVersion", "kind", "metadata")


def _digest(value: object) -> str:
    """Enough to see that it is another one."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
