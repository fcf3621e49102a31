# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocol-buffer messages in JSON, read by a schema and as strictly as the peers' parser.

Source: protobuf.dev, "ProtoJSON format", and golang's google.golang.org/protobuf/encoding/protojson, which cosign and
Flux use: unknown and duplicate fields are refused, a field has its lowerCamelCase name or its original one, `null` is
the same as absent, bytes are base64 in either alphabet with or without padding, 64-bit integers may be strings.
"""

from __future__ import annotations

import base64
import re
import typing as t

from .._shared import strict_json
from .._shared.errors import GitopsError

Reader = t.Callable[[t.Any, str], t.Any]
Schema = t.Mapping[str, Reader]

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}\Z", re.ASCII)
_URL_SAFE = str.maketrans("-_", "+/")
_INT64 = re.compile(r"-?[0-9]{1,19}\Z", re.ASCII)


class MalformedMessage(GitopsError):
    """JSON that is not the message that it should be."""

    code = "malformed_message"


def loads(raw: bytes, schema: Schema, what: str) -> dict[str, t.Any]:
    """The message in `raw` as {camelCase name: value}, bytes decoded, absent fields left out; MalformedMessage else."""
    try:
        value = strict_json.load_object(raw, what)
    except strict_json.MalformedJson as error:
        raise MalformedMessage(error.message) from None
    return t.cast("dict[str, t.Any]", message(schema)(value, what))


def message(schema: Schema) -> Reader:
    """A reader of an object with the fields of `schema`."""
    names = {_snake(name): name for name in schema}

    def read(value: t.Any, where: str) -> dict[str, t.Any]:
        if not isinstance(value, dict):
            raise MalformedMessage(f"{where}: not an object")
        result: dict[str, t.Any] = {}
        for key, member in value.items():
            name = key if key in schema else names.get(key)
            if name is None:
                raise MalformedMessage(f"{where}: unknown field {key[:80]!r}")
            if name in result:
                raise MalformedMessage(f"{where}: {name} is there twice")
            if member is not None:
                result[name] = schema[name](member, f"{where}.{name}")
        return result

    return read


def repeated(reader: Reader, limit: int) -> Reader:
    """A reader of a list of at most `limit` values."""

    def read(value: t.Any, where: str) -> list[t.Any]:
        if not isinstance(value, list):
            raise MalformedMessage(f"{where}: not a list")
        if len(value) > limit:
            raise MalformedMessage(f"{where}: more than {limit} entries")
        return [reader(member, f"{where}[{n}]") for n, member in enumerate(value)]

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
        if not _BASE64.match(text) or (len(text) % 4 and text.endswith("=")):
            raise ValueError("neither the standard nor the URL-safe alphabet")
        return base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise MalformedMessage(f"{where}: not base64") from None


def int64(value: t.Any, where: str) -> int:
    """A reader of a 64-bit integer, which JSON may hold as a number or as a string."""
    if isinstance(value, str) and _INT64.match(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise MalformedMessage(f"{where}: not a 64-bit integer")
    return value


def struct(value: t.Any, where: str) -> dict[str, t.Any]:
    """A reader of any object (google.protobuf.Struct)."""
    if not isinstance(value, dict):
        raise MalformedMessage(f"{where}: not an object")
    return value


def enum(value: t.Any, where: str) -> str | int:
    """A reader of an enumeration's name or number; which ones exist is the caller's knowledge."""
    if isinstance(value, str):
        return value
    return int64(value, where)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)
