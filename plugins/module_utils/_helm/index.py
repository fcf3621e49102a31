# SPDX-License-Identifier: GPL-3.0-or-later
"""One chart out of a repository's index.yaml, read as a stream: an index can have tens of megabytes.

The lines of that chart alone are kept and parsed. What the index says is a hint where the archive is: whether it is
the right one, its SHA-256 decides, which the user has given.
Source: helm.sh/docs/topics/chart_repository, "The index file".
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._shared import shapes, strict_json, strict_yaml
from .errors import InvalidChart

MAX_LENGTH = 64 << 20
"""Bytes of an index."""
_MAX_ENTRY = 8 << 20
_MAX_LINE = 1 << 20
_MAX_JSON = 16 << 20
_MAX_JSON_VALUES = 2_000_000
_INDENT = re.compile(rb" *")


@dataclass(frozen=True)
class Entry:
    """A version of a chart: where its archive is, and the digest that the index names, empty where it names none."""

    url: str
    digest: str


def find(pieces: t.Iterable[bytes], name: str, version: str, what: str) -> Entry:
    """The entry of that version; InvalidChart naming `what` where there is none."""
    lines = _lines(pieces, what)
    first = next(lines, b"")
    if first.lstrip().startswith(b"{"):
        listed = _of_json(first, lines, name, what)
    else:
        listed = _of_yaml(_block(first, lines, name.encode(), what), name, what)
    for one in shapes.mappings(listed):
        if _text(one.get("version")) == version:
            urls = [url for url in one.get("urls") or [] if isinstance(url, str)]
            if not urls:
                raise InvalidChart(f"{what}: {name} {version} has no URL")
            return Entry(urls[0], _text(one.get("digest")).removeprefix("sha256:"))
    raise InvalidChart(f"{what}: there is no version {version} of {name}")


def _lines(pieces: t.Iterable[bytes], what: str) -> t.Iterator[bytes]:
    rest = bytearray()
    most = _MAX_LINE
    for piece in pieces:
        head, newline, tail = piece.rpartition(b"\n")
        if newline:
            yield from bytes(rest + head).split(b"\n")
            rest = bytearray(tail)
        else:
            rest += piece
        if most == _MAX_LINE and rest[:64].lstrip().startswith(b"{"):
            most = _MAX_JSON
        if len(rest) > most:
            raise InvalidChart(f"{what}: a line is longer than {most} bytes")
    yield bytes(rest)


def _block(first: bytes, lines: t.Iterator[bytes], name: bytes, what: str) -> bytes:
    """The lines of the chart: its key below `entries`, and what is below that."""
    line: bytes | None = first
    while line is not None and line.rstrip() != b"entries:":
        line = next(lines, None)
    key: int | None = None
    found: list[bytes] = []
    size = 0
    for line in lines:
        indent = len(t.cast("re.Match[bytes]", _INDENT.match(line)).group())
        content = line[indent:].rstrip()
        if not content or content.startswith(b"#"):
            continue
        key = indent if key is None else key
        begins = indent < key or (indent == key and not content.startswith(b"-"))
        if begins and (found or indent < key):
            break
        if found or (begins and content in (name + b":", b'"' + name + b'":', b"'" + name + b"':")):
            found.append(line)
            size += len(line)
        if size > _MAX_ENTRY:
            raise InvalidChart(f"{what}: the entry is longer than {_MAX_ENTRY} bytes")
    return b"\n".join(found)


def _of_yaml(block: bytes, name: str, what: str) -> t.Any:
    try:
        return strict_yaml.load_map(block, what, 2 * _MAX_ENTRY).get(name) if block else None
    except strict_yaml.MalformedYaml as error:
        raise InvalidChart(error.message) from None


def _of_json(first: bytes, lines: t.Iterator[bytes], name: str, what: str) -> t.Any:
    data = first
    for line in lines:
        data += b"\n" + line
        if len(data) > _MAX_JSON:
            raise InvalidChart(f"{what}: longer than {_MAX_JSON} bytes")
    try:
        strict_json.check_amount(data, _MAX_JSON_VALUES, what)
        return shapes.at(strict_json.load_object(data, what), "entries", name)
    except strict_json.MalformedJson as error:
        raise InvalidChart(error.message) from None


def _text(value: t.Any) -> str:
    if isinstance(value, str):
        return value
    return strict_yaml.as_text(value) if isinstance(value, (int, float)) else ""
