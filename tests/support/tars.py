# SPDX-License-Identifier: GPL-3.0-or-later
"""Tar archives byte by byte, as no tool would write them."""

from __future__ import annotations

import gzip
import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._artifact.go_tar import header as go_header

END = bytes(1024)
POSIX, GNU, V7 = b"ustar\x0000", b"ustar  \0", bytes(8)


def block(
    name: bytes = b"a",
    size: int | bytes = 0,
    kind: bytes = b"0",
    *,
    magic: bytes = POSIX,
    prefix: bytes = b"",
    last: bytes = b"",
    checksum: bytes | None = None,
    mode: int = 0o640,
) -> bytes:
    """One header; `size` as bytes is the raw field, `last` the 12 bytes that ustar leaves empty."""
    number = size if isinstance(size, bytes) else b"%011o\0" % size
    before = name.ljust(100, b"\0") + b"%07o\0" % mode + b"0000000\0" * 2 + number.ljust(12, b"\0") + b"00000000123\0"
    after = kind + bytes(100) + magic + bytes(80) + prefix.ljust(155, b"\0") + last.ljust(12, b"\0")
    assert len(before) + 8 + len(after) == 512
    total = sum(before) + sum(after) + 8 * ord(" ")
    return before + (b"%06o\0 " % total if checksum is None else checksum) + after


def entry(
    name: bytes = b"a",
    content: bytes = b"",
    kind: bytes = b"0",
    *,
    size: int | bytes | None = None,
    magic: bytes = POSIX,
) -> bytes:
    """A header and its content, padded."""
    return block(name, len(content) if size is None else size, kind, magic=magic) + padded(content)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def record(key: bytes, value: bytes) -> bytes:
    """One PAX record."""
    rest = b" " + key + b"=" + value + b"\n"
    length = next(n for n in range(len(rest) + 1, len(rest) + 20) if len(str(n)) + len(rest) == n)
    return str(length).encode() + rest


def pax(records: bytes | t.Mapping[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended header."""
    data = records if isinstance(records, bytes) else b"".join(record(*pair) for pair in records.items())
    return entry(b"././@PaxHeader", data, kind)


def gz(*parts: bytes, end: bytes = END) -> list[bytes]:
    """The gzip of the parts and an end, as a stream in one piece."""
    return [gzip.compress(b"".join(parts) + end, 6, mtime=0)]


def go_gzip(data: bytes) -> bytes:
    """One gzip member with the header that Go writes."""
    packed = gzip.compress(data, 6, mtime=0)
    return packed[:8] + b"\0\xff" + packed[10:]


def go_tar(tree: t.Mapping[str, bytes | None], *, root: bool = True, mode: int = 0o700) -> bytes:
    """As Flux writes a tree: its writer is held to what Go itself wrote (tests/unit/_artifact/test_go_tar.py)."""
    parts = [go_header(".", 0, 0o755, directory=True)] if root else []
    for name, content in tree.items():
        parts += [go_header(name, len(content or b""), mode, directory=content is None), padded(content or b"")]
    return b"".join(parts) + END
