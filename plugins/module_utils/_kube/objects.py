# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of any kind as the API server returns them: when two are the same, who manages what, what may be shown.

Source: Kubernetes, structured-merge-diff v6, fieldpath/serialize.go (the keys of fieldsV1).
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._shared.shapes import mapping, mappings, text

Object = t.Mapping[str, t.Any]
Path = tuple[str, ...]

# What the API server writes by itself.
_VOLATILE = frozenset(
    {"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink", "deletionTimestamp"}
)
_NAMED = ("name", "namespace")
_MAPS = ("labels", "annotations")
_FIRST = ("apiVersion", "kind", "metadata")
_HIDDEN = "(hidden)"


def fault(value: Object) -> str:
    """What of an object's metadata has another shape than Kubernetes gives it; empty where nothing has."""
    metadata = value.get("metadata")
    if metadata is None:
        return ""
    if not isinstance(metadata, dict):
        return "its metadata is no object"
    for name in ("name", "namespace", "uid", "deletionTimestamp"):
        if not isinstance(metadata.get(name), str | None):
            return f"its metadata.{name} is no text"
    for name in _MAPS:
        found = metadata.get(name)
        if not isinstance(found, dict | None) or not all(isinstance(one, str) for one in (found or {}).values()):
            return f"its metadata.{name} is no map of texts"
    for name in ("managedFields", "finalizers"):
        if not isinstance(metadata.get(name), list | None):
            return f"its metadata.{name} is no list"
    return ""


def metadata_of(value: Object | None) -> dict[str, t.Any]:
    """The metadata; empty where there is no object."""
    return mapping((value or {}).get("metadata"))


def labels_of(value: Object | None) -> dict[str, t.Any]:
    """The labels; empty where there is no object, or none on it."""
    return mapping(metadata_of(value).get("labels"))


def uid_of(value: Object | None) -> str:
    """What tells an object from another one of the same name, before or after it."""
    return text(metadata_of(value).get("uid"))


def is_leaving(value: Object | None) -> bool:
    """Whether the object is being deleted."""
    return bool(metadata_of(value).get("deletionTimestamp"))


def plain(value: Object) -> dict[str, t.Any]:
    """The object without its status and without what the API server writes by itself."""
    metadata = {key: one for key, one in metadata_of(value).items() if key not in _VOLATILE}
    return {**{key: one for key, one in value.items() if key not in ("status", "metadata")}, "metadata": metadata}


def same(one: Object, other: Object) -> bool:
    """Whether two states of an object differ in nothing that somebody declared."""
    return plain(one) == plain(other)


def shown(value: Object, beside: Object | None = None) -> dict[str, t.Any]:
    """What a person may see of an object, and wants to see beside another state of it.

    Nothing of a Secret's data, also not in kubectl's copy of it; of a definition's schemas only that they differ; of
    the metadata, beside the names, only what differs.
    """
    found = plain(value)
    found["metadata"] = _shown_metadata(found["metadata"], metadata_of(beside))
    if found.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if isinstance(found.get(part), dict):
                found[part] = dict.fromkeys(sorted(found[part]), _HIDDEN)
    if found.get("kind") == "CustomResourceDefinition":
        spec = mapping(found.get("spec"))
        versions = [{**one, "schema": _digest(one.get("schema"))} for one in mappings(spec.get("versions"))]
        found["spec"] = {**spec, "versions": versions}
    rest = sorted(set(found) - set(_FIRST))
    return {key: _sorted(found[key]) if key in rest else found[key] for key in (*_FIRST, *rest) if key in found}


def _shown_metadata(metadata: Object, beside: Object) -> dict[str, t.Any]:
    kept: dict[str, t.Any] = {name: metadata[name] for name in _NAMED if name in metadata}
    for what in _MAPS:
        mine, others = mapping(metadata.get(what)), mapping(beside.get(what))
        # kubectl keeps a copy of the whole object in an annotation.
        chosen = {
            name: mine[name]
            for name in sorted(mine)
            if others.get(name) != mine[name] and not name.startswith("kubectl.kubernetes.io/")
        }
        if chosen:
            kept[what] = chosen
    for what in sorted(set(metadata) - {*_NAMED, *_MAPS}):
        if beside.get(what) != metadata[what]:
            kept[what] = metadata[what]
    return kept


def owned_fields(value: Object | None, manager: str) -> t.Any:
    """The fieldsV1 that `manager` applied; None where it applied nothing."""
    for entry in _entries(value):
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            return entry.get("fieldsV1")
    return None


def foreign_fields(value: Object, manifest: Object, manager: str, defaults: t.Mapping[Path, object]) -> dict[str, str]:
    """Fields in `value`'s spec that `manifest` does not have and another manager put there: `spec.x.y` to its name.

    `defaults` are what the API server fills in by itself: whoever sent the object first is noted as their manager.
    """
    found: dict[str, str] = {}
    for entry in _entries(value):
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            continue
        fields = mapping(mapping(entry.get("fieldsV1")).get("f:spec"))
        for path in _paths(fields, manifest.get("spec", {})):
            present, content = _at(value.get("spec"), path)
            if present and defaults.get(path, _NOTHING) != content:
                found[".".join(("spec", *path))] = text(entry.get("manager"))
    return found


_NOTHING = object()


def _entries(value: Object | None) -> t.Iterator[Object]:
    for entry in mappings(metadata_of(value).get("managedFields")):
        if not entry.get("subresource"):
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


def _digest(value: object) -> str:
    """Enough to see that it is another one."""
    return hashlib.sha256(json.dumps(_sorted(value)).encode()).hexdigest()[:8]


def _sorted(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=str)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value
