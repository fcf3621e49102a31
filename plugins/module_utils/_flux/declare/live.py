# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as a cluster returns them: what of them is ours, what is others', and what to show of them.

Source: Kubernetes, structured-merge-diff v6, fieldpath/serialize.go (the keys of fieldsV1).
"""

from __future__ import annotations

import typing as t

Object = t.Mapping[str, t.Any]
Path = tuple[str, ...]

# What the API server fills in itself where a CRD says so; whoever sent the object first is noted as its manager.
DEFAULTS: t.Mapping[Path, object] = {("provider",): "generic", ("timeout",): "60s", ("force",): False}

# Fields whose presence changes what is verified, whoever set them.
_STRENGTH = ("spec.verify", "spec.ref", "spec.insecure")


def owned_fields(value: Object, manager: str) -> t.Any:
    """The fieldsV1 that `manager` applied; None where it applied nothing."""
    for entry in _entries(value):
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            return entry.get("fieldsV1")
    return None


def foreign_fields(value: Object, manifest: Object, manager: str) -> dict[str, str]:
    """Fields in `value`'s spec that `manifest` does not have and another manager put there: `spec.x.y` to its name."""
    found: dict[str, str] = {}
    for entry in _entries(value):
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            continue
        fields = entry.get("fieldsV1")
        inner = fields.get("f:spec") if isinstance(fields, dict) else None
        for path in _paths(inner if isinstance(inner, dict) else {}, manifest.get("spec", {})):
            present, content = _at(value.get("spec"), path)
            if present and DEFAULTS.get(path, _NOTHING) != content:
                found[".".join(("spec", *path))] = str(entry.get("manager"))
    return found


_NOTHING = object()


def weakened(path: str) -> bool:
    """Whether a field that others set changes what Flux would verify."""
    return any(path == field or path.startswith(f"{field}.") for field in _STRENGTH)


def shown(value: Object, beside: Object | None) -> dict[str, t.Any]:
    """What a person wants to see of an object: no managedFields, no status, no foreign metadata that stays the same."""
    metadata: Object = value.get("metadata") or {}
    kept: dict[str, t.Any] = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    other: Object = (beside or {}).get("metadata") or {}
    for what in ("labels", "annotations"):
        mine: Object = metadata.get(what) or {}
        others: Object = other.get(what) or {}
        chosen = {name: mine[name] for name in sorted(mine) if beside is None or others.get(name) != mine[name]}
        chosen = {name: text for name, text in chosen.items() if not name.startswith("kubectl.kubernetes.io/")}
        if chosen:
            kept[what] = chosen
    return {
        "apiVersion": value.get("apiVersion"),
        "kind": value.get("kind"),
        "metadata": kept,
        "spec": _sorted(value.get("spec") or {}),
    }


def _entries(value: Object) -> t.Iterator[Object]:
    metadata = value.get("metadata") or {}
    for entry in metadata.get("managedFields") or []:
        if isinstance(entry, dict) and not entry.get("subresource"):
            yield entry


def _paths(fields: Object, spec: t.Any, above: Path = ()) -> t.Iterator[Path]:
    """Paths in `fields` (of fieldsV1) that are not in `spec`; lists and their members count as one field."""
    for key, inner in fields.items():
        if not key.startswith("f:"):
            continue
        name = key[2:]
        present, content = _at(spec, (name,))
        if not present:
            yield (*above, name)
        elif isinstance(content, dict) and isinstance(inner, dict):
            yield from _paths(inner, content, (*above, name))


def _at(value: t.Any, path: Path) -> tuple[bool, t.Any]:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False, None
        value = value[name]
    return True, value


def _sorted(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value
