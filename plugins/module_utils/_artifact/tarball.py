# SPDX-License-Identifier: GPL-3.0-or-later
"""The deterministic tar stream of a tree.

Only names and contents decide the bytes: owner, time and modes are fixed, so umask, time zone, locale, file-system
order and Python's version change nothing (design, decision 4). ustar headers, PAX only for what does not fit: the bytes
are those of Python's tarfile in its PAX format, ten times as fast, and not its to change.
"""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t

from .tree import UnreadableTree

if t.TYPE_CHECKING:  # pragma: no cover
    from .tree import Entry

FILE_MODE, DIRECTORY_MODE = 0o644, 0o755
_CHUNK = 256 * 1024
_BLOCK = 512
MAX_NAME = 100
MAX_SIZE = 8**11 - 1
END = bytes(2 * _BLOCK)


def stream(entries: t.Iterable[Entry]) -> t.Iterator[bytes]:
    """The tar archive in pieces of at most 256 KiB; UnreadableTree if a file changes under our hands."""
    for entry in entries:
        if entry.source is None:
            yield header(entry.name, 0, directory=True)
        else:
            yield from _file(entry)
    yield END


def digests(entries: t.Iterable[Entry]) -> t.Iterator[tuple[str, str]]:
    """The name of each entry (a directory's with a slash) and the SHA-256 of what the archive holds of it, in hex."""
    for entry in entries:
        if entry.source is None:
            yield f"{entry.name}/", hashlib.sha256(header(entry.name, 0, directory=True)).hexdigest()
        else:
            digest = hashlib.sha256()
            for piece in _file(entry):
                digest.update(piece)
            yield entry.name, digest.hexdigest()


def header(name: str, size: int, *, directory: bool = False) -> bytes:
    """The header blocks of one entry, from its name, kind and size in bytes alone."""
    path = f"{name}/" if directory else name
    raw = path.encode("utf-8")
    records = b""
    if len(raw) > MAX_NAME or not raw.isascii():
        records += record(b"path", raw)
        raw = path.encode("ascii", "replace")[:MAX_NAME]
    if size > MAX_SIZE:
        records += record(b"size", b"%d" % size)
        size = 0
    plain = block(raw, DIRECTORY_MODE if directory else FILE_MODE, size, b"5" if directory else b"0")
    if not records:
        return plain
    return block(b"././@PaxHeader", 0, len(records), b"x") + records + padding(len(records)) + plain


def record(key: bytes, value: bytes) -> bytes:
    """A PAX record: its own length in decimal is part of what it counts."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def block(name: bytes, mode: int, size: int, kind: bytes, *, rest: bytes = bytes(247), time: int = 0) -> bytes:
    """One ustar header: no owner. `rest` is what follows the version: names of owners, devices, prefix."""
    before = b"%s%07o\0%s%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, b"0000000\0" * 2, size, time)
    after = b"%s%s%s%s" % (kind, bytes(100), b"ustar\x0000", rest)
    checksum = sum(before) + sum(b" " * 8) + sum(after)
    return b"%s%06o\0 %s" % (before, checksum, after)


def padding(size: int) -> bytes:
    """The zeros that fill a content of `size` bytes up to a whole block."""
    return bytes(-size % _BLOCK)


def content(entry: Entry, announce: t.Callable[[int], object] = lambda _size: None) -> t.Iterator[bytes]:
    """A file in pieces, `announce` told of its size before; UnreadableTree if it changes under our hands."""
    name = entry.name
    descriptor = _open(name, t.cast("str", entry.source), entry.holder)
    try:
        before = os.fstat(descriptor)
        announce(before.st_size)
        left = before.st_size
        while left:
            piece = _read(descriptor, min(_CHUNK, left), name)
            if not piece:
                raise UnreadableTree(f"path: {name} shrank while it was read", entry=name)
            left -= len(piece)
            yield piece
        after = os.fstat(descriptor)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise UnreadableTree(f"path: {name} changed while it was read", entry=name)
    finally:
        os.close(descriptor)


def _file(entry: Entry) -> t.Iterator[bytes]:
    sizes: list[int] = []
    pieces = content(entry, sizes.append)
    first = next(pieces, b"")
    yield header(entry.name, sizes[0])
    if first:
        yield first
        yield from pieces
    yield padding(sizes[0])


def start(entry: Entry, limit: int) -> bytes:
    """The first `limit` bytes of a file of the walk, as far as it has them; UnreadableTree where it cannot be read."""
    descriptor = _open(entry.name, entry.source or "", entry.holder)
    content = b""
    try:
        while len(content) < limit and (piece := _read(descriptor, limit - len(content), entry.name)):
            content += piece
    finally:
        os.close(descriptor)
    return content


def _open(name: str, source: str, holder: int | None) -> int:
    path = source if holder is None else os.path.basename(source)
    try:
        # NOFOLLOW and NONBLOCK: the file may have become a link or a pipe since the walk saw it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=holder)
    except OSError as error:
        raise _unreadable(name, error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableTree(f"path: {name} is no longer a regular file", entry=name)
    return descriptor


def _read(descriptor: int, size: int, name: str) -> bytes:
    try:
        return os.read(descriptor, size)
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> UnreadableTree:
    return UnreadableTree(f"path: {name} cannot be read: {error.strerror}", entry=name)
