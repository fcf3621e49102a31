# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocol-buffer messages in JSON, read by a schema and exactly as the peers' parser reads them.

Source: protobuf.dev, "ProtoJSON format", and golang's google.golang.org/protobuf/encoding/protojson, which cosign and
Flux use: unknown and duplicate fields are refused, a field has its lowerCamelCase name or its original one, `null` is
the same as absent, bytes are base64 in either alphabet with or without padding, integers may be strings, and 1e3 or
1.0, and an enumeration knows its names but takes any number.
"""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass

from .._shared import base64, strict_json
from .._shared.errors import GitopsError

Reader = t.Callable[[t.Any, str], t.Any]
Schema = t.Mapping[str, Reader]

# A number as that parser takes it. An exponent without digits is one, where anything follows.
_NUMBER = re.compile(
    r"(-?)(0|[1-9][0-9]*)(\.[0-9]+)?(?:[eE](?=.)((?:[+-](?=.))?[0-9]*))?(?![-+._a-zA-Z0-9])", re.ASCII | re.DOTALL
)
_DIGITS = 20  # of the largest 64-bit number
_GO_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


class MalformedMessage(GitopsError):
    """JSON that is not the message that it should be."""

    code = "malformed_message"


class UnreadMessage(MalformedMessage):
    """JSON that we do not read any further, and that the peers may read."""


@dataclass(frozen=True)
class _Number:
    """A number of the document that is not simply an integer, as text."""

    text: str


def loads(raw: bytes, schema: Schema, what: str, original: t.Mapping[str, str] | None = None) -> dict[str, t.Any]:
    """The message in `raw` as {camelCase name: value}, bytes decoded, absent fields left out; MalformedMessage else.

    `original` is as for `message`.
    """
    try:
        value = strict_json.load_object(raw, what, _number)
    except strict_json.MalformedJson as error:
        raise (UnreadMessage if _may_be_read(raw, error) else MalformedMessage)(error.message) from None
    try:
        return t.cast("dict[str, t.Any]", message(schema, original)(value, what))
    except RecursionError:
        raise UnreadMessage(f"{what}: too deep") from None


def message(schema: Schema, original: t.Mapping[str, str] | None = None) -> Reader:
    """A reader of an object with the fields of `schema`.

    `original` has the original names of fields that are not simply their names in snake_case.
    """
    names = {(original or {}).get(name, _snake(name)): name for name in schema}

    def read(value: t.Any, where: str) -> dict[str, t.Any]:
        if not isinstance(value, dict):
            raise MalformedMessage(f"{where}: not an object")
        result: dict[str, t.Any] = {}
        seen: set[str] = set()
        for key, member in value.items():
            name = key if key in schema else names.get(key)
            if name is None:
                raise MalformedMessage(f"{where}: unknown field {key[:80]!r}")
            if name in seen:
                raise MalformedMessage(f"{where}: {name} is there twice")
            seen.add(name)
            if member is not None:
                result[name] = schema[name](member, f"{where}.{name}")
        return result

    return read


def repeated(reader: Reader, limit: int, *, ours: bool = False) -> Reader:
    """A reader of a list of at most `limit` values. The peers have that limit, unless it is `ours` alone."""

    def read(value: t.Any, where: str) -> list[t.Any]:
        if not isinstance(value, list):
            raise MalformedMessage(f"{where}: not a list")
        result = [reader(member, f"{where}[{n}]") for n, member in enumerate(value[: limit + 1])]
        if len(value) > limit:
            raise (UnreadMessage if ours else MalformedMessage)(f"{where}: more than {limit} entries")
        return result

    return read


def string_map(limit: int) -> Reader:
    """A reader of a map of at most `limit` strings."""

    def read(value: t.Any, where: str) -> dict[str, str]:
        if not isinstance(value, dict) or not all(isinstance(member, str) for member in value.values()):
            raise MalformedMessage(f"{where}: not a map of strings")
        if len(value) > limit:
            raise MalformedMessage(f"{where}: more than {limit} entries")
        return t.cast("dict[str, str]", value)

    return read


def string(value: t.Any, where: str) -> str:
    """A reader of text."""
    if not isinstance(value, str):
        raise MalformedMessage(f"{where}: not a string")
    return value


def binary(value: t.Any, where: str) -> bytes:
    """A reader of bytes in base64."""
    text = string(value, where)
    try:
        return base64.decode_either(text)
    except base64.NotBase64:
        raise MalformedMessage(f"{where}: not base64") from None


def int64(value: t.Any, where: str) -> int:
    """A reader of a 64-bit integer, which JSON may hold as a number or as a string."""
    if isinstance(value, str) and value == value.strip(_GO_SPACES):
        match = _NUMBER.match(value)
        if match and match.end() != len(value):  # Its older versions do not look at what follows.
            raise UnreadMessage(f"{where}: more than a number")
        value = _Number(value)
    return _integer(value, 64, where)


def struct(value: t.Any, where: str) -> dict[str, t.Any]:
    """A reader of any object (google.protobuf.Struct), whose numbers are floating-point ones there."""
    if not isinstance(value, dict):
        raise MalformedMessage(f"{where}: not an object")
    return {key: _plain(member, where) for key, member in value.items()}


def enum(*names: str) -> Reader:
    """A reader of an enumeration's name, or of any number."""

    def read(value: t.Any, where: str) -> str | int:
        if not isinstance(value, str):
            return _integer(value, 32, where)
        if value not in names:
            raise MalformedMessage(f"{where}: unknown name {value[:80]!r}")
        return value

    return read


def _number(text: str) -> int | _Number:
    """For the JSON parser: what is simply an integer as such; the others are read by who knows what they should be."""
    return int(text) if len(text) < _DIGITS and text.lstrip("-").isdigit() else _Number(text)


def _integer(value: t.Any, bits: int, where: str) -> int:
    number = _whole(value.text) if isinstance(value, _Number) else value
    if isinstance(number, bool) or not isinstance(number, int) or not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise MalformedMessage(f"{where}: not a {bits}-bit integer")
    return number


def _whole(text: str) -> int | None:
    """The integer that a number stands for; None if it is none, or far too large."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    whole, fraction = "" if whole == "0" else whole, (fraction or ".")[1:].rstrip("0")
    if not whole and not fraction:
        return 0
    shift = _exponent(exponent or "0")
    if shift is None or len(fraction) > max(shift, 0) or len(whole) + shift > _DIGITS or len(whole) + shift < 0:
        return None
    if shift < 0 and whole[shift:].strip("0"):
        return None
    digits = whole + fraction + "0" * (shift - len(fraction)) if shift >= 0 else whole[:shift]
    return int(sign + (digits or "0"))


def _exponent(text: str) -> int | None:
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > 9 or text in ("+", "-"):
        return None
    return int(digits or "0") * (-1 if text.startswith("-") else 1)


def _plain(value: t.Any, where: str) -> t.Any:
    """A JSON value without our numbers in it."""
    if isinstance(value, dict):
        return {key: _plain(member, where) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member, where) for member in value]
    if isinstance(value, _Number):
        match = _NUMBER.match(value.text)
        number = float(value.text) if match and match.end() == len(value.text) else math.inf
        if not math.isfinite(number):
            raise MalformedMessage(f"{where}: a number is too large")
        return number
    return value


def _may_be_read(raw: bytes, error: strict_json.MalformedJson) -> bool:
    """Whether the peers may go on where Python's JSON parser stopped: too deep, or at an exponent without digits."""
    if error.too_deep:
        return True
    text, position = raw.decode("utf-8", "replace"), error.position
    return position is not None and text[position : position + 1] in ("e", "E") and text[position - 1].isdigit()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)
