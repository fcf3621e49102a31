# SPDX-License-Identifier: GPL-3.0-or-later
"""The deterministic tar stream of a tree.

Only names and contents decide the bytes: owner, time and modes are fixed, so umask, time zone, locale, file-system
order and Python's version change nothing (design, decision 4). ustar headers, PAX only for names that do not fit.
"""

from __future__ import annotations

import os
import stat
import tarfile
import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import UnreadableTree

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Entry

FILE_MODE, DIRECTORY_MODE = 0o644, 0o755
_CHUNK = 256 * 1024
_BLOCK = 512
END = bytes(2 * _BLOCK)


def stream(entries: t.Iterable[Entry]) -> t.Iterator[bytes]:
    """The tar archive in pieces of at most 256 KiB; UnreadableTree if a file changes under our hands."""
    for entry in entries:
        if entry.source is None:
            yield header(entry.name, 0, directory=True)
        else:
            yield from _file(entry.name, entry.source)
    yield END


def header(name: str, size: int, *, directory: bool = False) -> bytes:
    """The header blocks of one entry, from its name, kind and size in bytes alone."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.type = tarfile.DIRTYPE if directory else tarfile.REGTYPE
    info.mode = DIRECTORY_MODE if directory else FILE_MODE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding(size: int) -> bytes:
    """The zeros that fill a content of `size` bytes up to a whole block."""
    return bytes(-size % _BLOCK)


def _file(name: str, source: str) -> t.Iterator[bytes]:
    descriptor = _open(name, source)
    try:
        size = os.fstat(descriptor).st_size
        yield header(name, size)
        left = size
        while left:
            piece = os.read(descriptor, min(_CHUNK, left))
            if not piece:
                raise UnreadableTree(f"path: {name} shrank while it was read", entry=name)
            left -= len(piece)
            yield piece
        if os.read(descriptor, 1):
            raise UnreadableTree(f"path: {name} grew while it was read", entry=name)
        yield padding(size)
    finally:
        os.close(descriptor)


def _open(name: str, source: str) -> int:
    try:
        # NOFOLLOW and NONBLOCK: the file may have become a link or a pipe since the walk saw it.
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableTree(f"path: {name} cannot be read: {error.strerror}", entry=name) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableTree(f"path: {name} is no longer a regular file", entry=name)
    return descriptor
