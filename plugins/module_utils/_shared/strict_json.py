# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON from the wire: one reading only.

Duplicate keys, NaN, trailing bytes, invalid UTF-8 and lone surrogates are refused: two parsers could read them
differently, and one would then verify what the other does not use. Depth is bounded by Python's own recursion limit,
reported as an error.
"""

from __future__ import annotations

import json
import math
import typing as t

from .errors import GitopsError


class MalformedJson(GitopsError):
    """Bytes that are not one JSON value with one meaning.

    `position` is that of the first character that does not belong there, where that is what is wrong; `too_deep` says
    that it was not read to its end.
    """

    code = "malformed_json"

    def __init__(self, message: str, position: int | None = None, *, too_deep: bool = False) -> None:
        super().__init__(message)
        self.position = position
        self.too_deep = too_deep


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"duplicate key {key[:80]!r}")
        result[key] = value
    return result


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def loads(data: bytes | str, what: str, number: t.Callable[[str], t.Any] | None = None) -> t.Any:
    """The value in `data`; MalformedJson naming `what` otherwise. `number` makes something else of numbers' texts."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=number or _finite,
            parse_int=number,
        )
        if "\\ud" in text or "\\uD" in text:
            # A lone surrogate has no UTF-8: peers would each put something else in its place.
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
        return value
    except (ValueError, RecursionError) as error:
        position = error.pos if isinstance(error, json.JSONDecodeError) else None
        raise MalformedJson(f"{what}: {error}", position, too_deep=isinstance(error, RecursionError)) from None


def load_object(data: bytes | str, what: str, number: t.Callable[[str], t.Any] | None = None) -> dict[str, t.Any]:
    """The JSON object in `data`; MalformedJson for any other value. `number` is as for `loads`."""
    value = loads(data, what, number)
    if not isinstance(value, dict):
        raise MalformedJson(f"{what}: a JSON object is expected, not {type(value).__name__}")
    return value


def lookalike(value: t.Iterable[str], fields: t.Collection[str]) -> str | None:
    """The first key in `value` that is none of `fields` but differs from one only in case; None if there is none.

    Go's encoding/json takes such a key for the field, and the last one wins: what is checked under "layers" here would
    be used from "Layers" there.
    """
    folded = {name.casefold() for name in fields}
    return next((key for key in value if key not in fields and key.casefold() in folded), None)


GO_ESCAPES = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"})
"""What Go's encoding/json escapes for HTML's sake; none of these stands outside of strings."""


def compact(value: t.Any) -> bytes:
    """`value` as compact UTF-8 JSON, keys in the order given and nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
