# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory, or one file, as the ordered entries of an archive.

Order and selection follow fluxcd/pkg oci/build.go: depth first, names in byte order, the root itself first as ".";
symbolic links, devices and sockets are skipped. The walk is lazy: a tree of a million files is never held in memory.
"""

from __future__ import annotations

import os
import stat
import typing as t
from dataclasses import dataclass

from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError, InvalidOption


class UnreadableTree(GitopsError):
    """A tree that cannot be packed as it is: unreadable, changing, or with a link that leads out of it."""

    code = "unreadable_tree"


@dataclass(frozen=True)
class Entry:
    """A directory (`source` None) or a regular file to read from `source`. `name` is relative, with /."""

    name: str
    source: str | None = None


@dataclass(frozen=True)
class Tree:
    """What to pack. `resolve_symlinks` packs what links inside the tree point to, instead of skipping them."""

    path: str
    ignore: Ignore
    resolve_symlinks: bool = False

    def check(self) -> None:
        """InvalidOption unless there is at least one file to pack."""
        if not os.path.lexists(self.path):
            raise InvalidOption("path", f"{self.path} does not exist")
        if not any(entry.source for entry in self.entries()):
            raise InvalidOption("path", f"{self.path} holds no file to pack (ignored files and links do not count)")

    def entries(self) -> t.Iterator[Entry]:
        """All entries, in archive order."""
        yield Entry(".")
        if os.path.isdir(self.path):
            root = os.path.realpath(self.path)
            yield from self._walk(root, "", root, (root,))
        elif os.path.isfile(self.path):
            yield Entry(_text(os.path.basename(self.path)), self.path)
        else:
            raise InvalidOption("path", f"{self.path} is neither a directory nor a regular file")

    def _walk(self, directory: str, prefix: str, root: str, ancestors: tuple[str, ...]) -> t.Iterator[Entry]:
        for item in _listing(directory):
            name = prefix + _text(item.name)
            source = item.path
            if item.is_symlink():
                target = self._target(item.path, name, root, ancestors)
                if target is None:
                    continue
                source = target
            mode = _mode(source, name)
            if stat.S_ISDIR(mode):
                yield from self._directory(source, name, root, ancestors)
            elif stat.S_ISREG(mode) and not self.ignore.excludes(name, directory=False):
                yield Entry(name, source)

    def _directory(self, source: str, name: str, root: str, ancestors: tuple[str, ...]) -> t.Iterator[Entry]:
        excluded = self.ignore.excludes(name, directory=True)
        if not excluded:
            yield Entry(name)
        if not (excluded and self.ignore.prunes):
            yield from self._walk(source, name + "/", root, (*ancestors, os.path.realpath(source)))

    def _target(self, link: str, name: str, root: str, ancestors: tuple[str, ...]) -> str | None:
        """Where a link leads, if it is to be followed. A link out of the tree, or into itself, is an error, not a guess."""
        if not self.resolve_symlinks:
            return None
        target = os.path.realpath(link)
        if os.path.commonpath((root, target)) != root:
            raise UnreadableTree(f"path: the link {name} leads out of the tree", entry=name)
        if not os.path.exists(target):
            raise UnreadableTree(f"path: the link {name} points to nothing", entry=name)
        if target in ancestors:
            raise UnreadableTree(f"path: the link {name} points to a directory that holds it", entry=name)
        return target


def _listing(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as items:
            return sorted(items, key=lambda item: os.fsencode(item.name))
    except OSError as error:
        raise UnreadableTree(f"path: {directory} cannot be read: {error.strerror}") from None


def _mode(source: str, name: str) -> int:
    try:
        return os.lstat(source).st_mode
    except OSError as error:
        raise UnreadableTree(f"path: {name} cannot be read: {error.strerror}", entry=name) from None


def _text(name: str) -> str:
    """A file name as text; a name that is not UTF-8 has no portable form in an archive."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise UnreadableTree(f"path: the file name {os.fsencode(name)!r} is not UTF-8") from None
    return name
