# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of a cluster: their values as bytes, and a diff that shows none of them."""

from __future__ import annotations

import typing as t

from .._shared import base64
from .._shared.object_id import ObjectId
from .._shared.shapes import mapping

Values = t.Mapping[str, bytes]
Show = t.Callable[[str, bytes], str]


def manifest(identity: ObjectId, kind: str, values: Values) -> dict[str, t.Any]:
    """A Secret of the type `kind`."""
    return {
        "apiVersion": identity.api_version,
        "kind": identity.kind,
        "metadata": {"name": identity.name, "namespace": identity.namespace},
        "type": kind,
        "data": {name: base64.encode(value) for name, value in values.items()},
    }


def values_of(secret: t.Mapping[str, t.Any] | None) -> dict[str, bytes]:
    """Its values; empty ones for what is no base64, none where there is no Secret."""
    found: dict[str, bytes] = {}
    for name, encoded in mapping((secret or {}).get("data")).items():
        try:
            found[name] = base64.decode(encoded)
        except base64.NotBase64:
            found[name] = b""
    return found


def diff(identity: ObjectId, before: Values, after: Values, show: Show) -> dict[str, str]:
    """Line by line, each value as `show` shows it. Two secrets look the same there: that one is another is said."""
    lines = []
    for name, value in sorted(after.items()):
        other = before.get(name)
        hidden = other not in (None, value) and show(name, other or b"") == show(name, value)
        lines.append(f"{name}: {show(name, value)}{' (another one)' if hidden else ''}\n")
    header = str(identity)
    return {
        "before": "".join(f"{name}: {show(name, value)}\n" for name, value in sorted(before.items())),
        "after": "".join(lines),
        "before_header": header,
        "after_header": header,
    }
