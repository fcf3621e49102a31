# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between an artifact and the one that is there, in words, by their manifests alone."""

from __future__ import annotations

import typing as t

from ..._artifact.annotations import CONTENT, CREATED
from ..._oci.descriptor import MalformedManifest, Manifest
from ..._shared.strict_json import MalformedJson

_SHOWN_ANNOTATIONS = 3
_SHOWN_VALUE = 60


def parsed(raw: bytes, where: str) -> Manifest | None:
    """The manifest in `raw`; None where it is none, or an index."""
    try:
        return Manifest.parse(raw, where)
    except (MalformedManifest, MalformedJson):
        return None


def in_words(found: Manifest | None, wanted: Manifest | None) -> str:
    """How `found` differs from `wanted`: "the same files, but the annotation revision differs (1 → 2)"."""
    if found is None or wanted is None or not (found.layers and wanted.layers):
        return "another content"
    annotations = _annotations(found.annotations, wanted.annotations)
    if found.layers[0].digest == wanted.layers[0].digest:
        same = "the same files"
    elif found.annotations.get(CONTENT, "") == wanted.annotations.get(CONTENT):
        same = "the same files by its own annotation"
    else:
        return f"other files, and {annotations}" if annotations else "other files"
    return f"{same}, but {annotations or 'it is not packed as we pack them'}"


def _annotations(found: t.Mapping[str, str], wanted: t.Mapping[str, str]) -> str:
    """The annotations that differ, with both values; a time of creation that nobody asked for is no difference."""
    keys = sorted((found.keys() | wanted.keys()) - {CONTENT})
    keys = [key for key in keys if found.get(key) != wanted.get(key) and not (key == CREATED and key not in wanted)]
    shown = [f"{key[:100]} ({_value(found.get(key))} → {_value(wanted.get(key))})" for key in keys[:_SHOWN_ANNOTATIONS]]
    if not shown:
        return ""
    more = f" and {len(keys) - len(shown)} more" if len(keys) > len(shown) else ""
    word, verb = ("annotation", "differs") if len(keys) == 1 else ("annotations", "differ")
    return f"the {word} {', '.join(shown)}{more} {verb}"


def _value(value: str | None) -> str:
    if value is None:
        return "none"
    return value if len(value) <= _SHOWN_VALUE else f"{value[:_SHOWN_VALUE]}…"
