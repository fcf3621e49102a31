# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a chart, out of a directory or an archive: names from the chart's root, and bytes."""

from __future__ import annotations

import os
import stat
import typing as t

from .._artifact import tarball
from .._artifact.archive import Archive
from .._artifact.limits import UnsafeArchive
from .._artifact.tree import Tree, UnreadableTree, Walk
from . import ignore
from .errors import InvalidChart
from .limits import ARCHIVE, Budget

BOM = b"\xef\xbb\xbf"
Files = dict[str, bytes]


def of_directory(path: str, budget: Budget) -> Files:
    """What helm would load of a chart directory, in the order of the walk.

    Links are followed inside the chart, as helm follows them; what leads out of it, or to what .helmignore leaves out,
    is an error, and so is what is neither a file nor a directory.
    """
    walk = Walk()
    found: Files = {}
    for entry in Tree(path, ignore.HelmIgnore(_ignore_file(path)), resolve_symlinks=True).entries(walk):
        if entry.source is not None:
            found[entry.name] = b"".join(tarball.content(entry, budget.take)).removeprefix(BOM)
    if walk.odd:
        raise UnreadableTree(f"path: {walk.odd[0]!r} is neither a file nor a directory: name it in {ignore.NAME}")
    if walk.links:
        name, reason = next(iter(walk.links.items()))
        raise UnreadableTree(f"path: {name!r} is a link that {reason}: name it in {ignore.NAME} too, or pack a copy")
    return found


def of_archive(gzipped: t.Iterable[bytes], budget: Budget, archive: Archive | None = None) -> Files:
    """The files of a packed chart, in archive order. InvalidChart and UnsafeArchive for what is not safe to unpack."""
    found: Files = {}
    base: str | None = None
    archive = archive or Archive(gzipped, ARCHIVE)
    for member in archive:
        if member.kind == "link":
            raise UnsafeArchive(f"{member.name!r} is a link, and a chart holds none", entry=member.name)
        first, _slash, rest = member.name.partition("/")
        if member.name != ".":
            base = base or first
        if first != base and member.name != ".":
            raise UnsafeArchive(f"{member.name!r} is outside of {base!r}, the chart's directory", entry=member.name)
        if member.kind == "file":
            if not rest:
                raise UnsafeArchive(f"{member.name!r} is not below the chart's directory", entry=member.name)
            budget.take(member.size)
            found[rest] = b"".join(archive.content()).removeprefix(BOM)
    if not found:
        raise InvalidChart("the archive holds no file")
    return found


def _ignore_file(path: str) -> bytes | None:
    """The .helmignore of a chart directory; never one that a link leads to from elsewhere."""
    try:
        descriptor = os.open(
            os.path.join(path, ignore.NAME), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableTree(f"path: {ignore.NAME} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableTree(f"path: {ignore.NAME} is not a regular file")
        return file.read(ignore.MAX_LENGTH + 1)
