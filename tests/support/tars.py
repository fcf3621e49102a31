# SPDX-License-Identifier: GPL-3.0-or-later
"""Tar archives byte by byte, as no tool would write them."""

from __future__ import annotations

import gzip
import typing as t

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


def go_tar(tree: t.Mapping[str, bytes | None], *, root: bool = True) -> bytes:
    """As Flux writes a tree (fluxcd/pkg tar/tar.go): no slash after a directory, modes of the disk, PAX where needed.

    Names of 101 to 255 characters are split into prefix and name, which Python's tarfile never does in PAX format.
    """
    parts = [block(b".", 0, b"5", mode=0o755)] if root else []
    for path, content in tree.items():
        name, kind, size = path.encode(), b"5" if content is None else b"0", len(content or b"")
        cut = name.rfind(b"/", 0, 155)
        if not path.isascii() or (len(name) > 100 and (cut < 0 or len(name) - cut > 101)):
            parts += [pax({b"path": name}), block(b"?", size, kind)]
        elif len(name) > 100:
            parts.append(block(name[cut + 1 :], size, kind, prefix=name[:cut]))
        else:
            parts.append(block(name, size, kind, mode=0o700))
        parts.append(padded(content or b""))
    return b"".join(parts) + END
