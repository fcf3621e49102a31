# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON from the wire: one reading only.

Duplicate keys, NaN, trailing bytes, invalid UTF-8 and lone surrogates are refused: two parsers could read them
differently, and one would then verify what the other does not use. Depth is bounded by Python's own recursion limit,
reported as an error.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError


class MalformedJson(GitopsError):
    """Bytes that are not one JSON value with one meaning."""

    code = "malformed_json"


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"duplicate key {key[:80]!r}")
        result[key] = value
    return result


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def loads(data: bytes | str, what: str) -> t.Any:
    """The value in `data`; MalformedJson naming `what` otherwise."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\ud" in text or "\\uD" in text:
            compact(value)  # a lone surrogate has no UTF-8: peers would each put something else in its place
        return value
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"{what}: {error}") from None


def load_object(data: bytes | str, what: str) -> dict[str, t.Any]:
    """The JSON object in `data`; MalformedJson for any other value."""
    value = loads(data, what)
    if not isinstance(value, dict):
        raise MalformedJson(f"{what}: a JSON object is expected, not {type(value).__name__}")
    return value


def compact(value: t.Any) -> bytes:
    """`value` as compact UTF-8 JSON in the order given, as Go's encoding/json writes it without HTML escaping."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
