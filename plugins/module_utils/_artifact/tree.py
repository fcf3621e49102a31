# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory, or one file, as the ordered entries of an archive.

Order and selection follow fluxcd/pkg tar/tar.go: depth first, names in byte order, the root itself first as ".";
symbolic links, devices and sockets are skipped. The walk is lazy: of a tree of a million files it holds the names of
the directories on the way to the current one, which are open, so that nothing can be put in their place.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import stat
import typing as t
from collections import Counter
from dataclasses import dataclass, field

from .._shared import file_names
from .._shared.errors import GitopsError, InvalidOption
from . import names

_MAX_FOLLOWED = 10_000
_SHOWN_ODD = 10


class UnreadableTree(GitopsError):
    """A tree that cannot be packed as it is: unreadable, changing, with a name or a link that must not be packed."""

    code = "unreadable_tree"


@dataclass(frozen=True)
class Entry:
    """A directory (`source` None) or a regular file. `name` is relative, with /; `source` the path to read from.

    `holder` is the open directory that holds the file, until the next entry is asked for: reading by it, a directory
    that somebody replaces by a link meanwhile leads nowhere else. None where the path was given by the user.
    """

    name: str
    source: str | None = None
    holder: int | None = None


@dataclass
class Walk:
    """What one walk met: how many files were packed, the links that were left out, with where they lead, and the names
    of what is neither file, directory nor link.
    """

    files: int = 0
    links: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def leave(self, name: str, reason: str = "") -> None:
        if len(self.links) < _MAX_FOLLOWED:
            self.links[name.encode("utf-8", "backslashreplace").decode()] = reason


@dataclass
class _Level:
    """A directory on the way down: open, its real path, its name in the archive, and what of it is still to come."""

    descriptor: int
    path: str
    prefix: str
    children: t.Iterator[bytes]
    twins: frozenset[str] = frozenset()
    packed: set[str] = field(default_factory=set)
    followed: int = 0

    @classmethod
    def open(cls, path: str, name: str, holder: int | None = None) -> _Level:
        """The directory `path`, which is in the open directory `holder`."""
        descriptor = -1
        try:
            descriptor = _open_directory(path if holder is None else os.path.basename(path), holder)
            children = sorted(map(os.fsencode, os.listdir(descriptor)))
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise _unreadable(name or path, f"cannot be read: {error.strerror}") from None
        return cls(descriptor, path, name and f"{name}/", iter(children), _twins(children))

    def check_twins(self, name: str) -> None:
        """UnreadableTree for the second name of those that are one file on some disk."""
        folded = file_names.folded(os.path.basename(name))
        if folded in self.twins:
            if folded in self.packed:
                raise _unreadable(name, "and another name here are one file on a Mac or on Windows; ignore one of them")
            self.packed.add(folded)


def _twins(children: list[bytes]) -> frozenset[str]:
    """What several of these names fold to, mostly nothing; what is not packed of them is not known yet."""
    odd = Counter(folded for name in map(_text, children) if (folded := file_names.folded(name)) != name)
    return frozenset(folded for folded, count in odd.items() if count > 1 or _holds(children, folded))


def _holds(children: list[bytes], name: str) -> bool:
    raw = name.encode("utf-8", "surrogateescape")
    position = bisect.bisect_left(children, raw)
    return position < len(children) and children[position] == raw


class Selection(t.Protocol):
    """What is left out; `prunes` says that nothing below a directory that is left out can come back."""

    @property
    def prunes(self) -> bool: ...

    def excludes(self, name: str, *, directory: bool) -> bool: ...


@dataclass(frozen=True)
class Tree:
    """What to pack. `resolve_symlinks` packs what links inside the tree point to, instead of skipping them."""

    path: str
    ignore: Selection
    resolve_symlinks: bool = False

    def check(self) -> None:
        """InvalidOption unless there is at least one file to pack."""
        if not os.path.lexists(self.path):
            raise InvalidOption("path", f"{self.path} does not exist")
        if not any(entry.source for entry in self.entries()):
            raise InvalidOption("path", f"{self.path} holds no file to pack (ignored files and links do not count)")

    def entries(self, walk: Walk | None = None) -> t.Iterator[Entry]:
        """All entries, in archive order; `walk` learns what was met."""
        walk = Walk() if walk is None else walk
        yield Entry(".")
        root = os.path.realpath(self.path)
        if os.path.isdir(root):
            yield from self._walk(root, walk)
        elif os.path.isfile(root):
            name = _text(os.fsencode(os.path.basename(self.path)))
            _check_name(name)
            walk.files += 1
            yield Entry(name, root)
        else:
            raise InvalidOption("path", f"{self.path} is neither a directory nor a regular file")

    def _walk(self, root: str, walk: Walk) -> t.Iterator[Entry]:
        # A stack of our own: a deep tree is no reason to meet Python's recursion limit.
        levels = [_Level.open(root, "")]
        try:
            while levels:
                level = levels[-1]
                child = next(level.children, None)
                if child is None:
                    os.close(levels.pop().descriptor)
                    continue
                path = os.path.join(level.path, os.fsdecode(child))
                yield from self._child(levels, level.prefix + _text(child), path, walk)
        finally:
            for level in levels:
                os.close(level.descriptor)

    def _child(self, levels: list[_Level], name: str, path: str, walk: Walk) -> t.Iterator[Entry]:
        """The entry at `path`, if it is one; a directory to be read becomes the last of `levels`."""
        with _held(levels, name, path, self.resolve_symlinks) as (source, holder, mode):
            directory = stat.S_ISDIR(mode)
            if stat.S_ISLNK(mode):
                self._leave(levels[0], name, path, walk)
            elif not directory and not stat.S_ISREG(mode) and not self.ignore.excludes(name, directory=False):
                walk.odd[:] = [*walk.odd, name][:_SHOWN_ODD]
            if not directory and not stat.S_ISREG(mode):
                return
            excluded = self.ignore.excludes(name, directory=directory)
            if self.resolve_symlinks and not excluded and self._excludes_target(levels[0], name, source, directory):
                excluded = True
                walk.leave(name, "leads to what is ignored")
            if not excluded:
                _check_name(name)
                levels[-1].check_twins(name)
                walk.files += not directory
                yield Entry(name) if directory else Entry(name, source, holder)
            if directory and not (excluded and self.ignore.prunes):
                _count(levels[0], name, is_link=source != path)
                levels.append(_Level.open(source, name, holder))

    def _excludes_target(self, root: _Level, name: str, source: str, directory: bool) -> bool:
        """Whether what a link leads to is ignored where it is; otherwise `conf -> .git` would publish it."""
        target = _text(os.fsencode(os.path.relpath(source, root.path)))
        return target != name and self.ignore.excludes(target, directory=directory)

    def _leave(self, root: _Level, name: str, path: str, walk: Walk) -> None:
        """A link that is not followed; nobody needs to hear of one that is ignored."""
        if not any(self.ignore.excludes(name, directory=directory) for directory in (False, True)):
            inside = os.path.commonpath((root.path, os.path.realpath(path))) == root.path
            walk.leave(name, "" if inside else "leads out of the tree")


@contextlib.contextmanager
def _held(levels: list[_Level], name: str, path: str, resolve: bool) -> t.Iterator[tuple[str, int, int]]:
    """The path to read from, the open directory that holds it, and its mode; the target's, for a resolved link."""
    holder = levels[-1].descriptor
    mode = _mode(path, holder, name)
    if not (resolve and stat.S_ISLNK(mode)):
        yield path, holder, mode
        return
    source = _target(path, name, levels)
    holder = _descend(levels[0], os.path.dirname(source), name)
    try:
        yield source, holder, _mode(source, holder, name)
    finally:
        os.close(holder)


def _count(root: _Level, name: str, *, is_link: bool) -> None:
    """Forty directories with two links each to the next are a tree of 2^40: what is followed is counted at the root."""
    root.followed += is_link
    if root.followed > _MAX_FOLLOWED:
        raise _unreadable(name, f"is a link after more than {_MAX_FOLLOWED} others to directories")


def _target(link: str, name: str, levels: list[_Level]) -> str:
    """Where a link leads. Out of the tree, to nothing, or to a directory that holds it is an error, not a guess."""
    target, root = os.path.realpath(link), levels[0].path
    if os.path.commonpath((root, target)) != root:
        raise _unreadable(name, "is a link that leads out of the tree")
    if any(target == level.path for level in levels):
        raise _unreadable(name, "is a link to a directory that holds it")
    if not os.path.lexists(target) or os.path.islink(target):
        raise _unreadable(name, "is a link to nothing")
    return target


def _descend(root: _Level, directory: str, name: str) -> int:
    """Open `directory`, which is the root's or below it, step by step without following a link."""
    descriptor = os.dup(root.descriptor)
    for part in os.path.relpath(directory, root.path).split("/"):
        try:
            below = _open_directory(part, descriptor)
        except OSError as error:
            raise _unreadable(name, f"cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _open_directory(path: str, holder: int | None) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=holder)


def _mode(path: str, holder: int, name: str) -> int:
    try:
        return os.stat(os.path.basename(path), dir_fd=holder, follow_symlinks=False).st_mode
    except OSError as error:
        raise _unreadable(name, f"cannot be read: {error.strerror}") from None


def _text(name: bytes) -> str:
    """A file name for the archive: always UTF-8, whatever the locale says."""
    return name.decode("utf-8", "surrogateescape")


def _check_name(name: str) -> None:
    """UnreadableTree for a name that has no portable form in an archive, or that Flux would refuse to unpack."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise _unreadable(name, "is not UTF-8") from None
    if reason := names.refusal(name):
        raise _unreadable(name, reason)


def _unreadable(name: str, reason: str) -> UnreadableTree:
    return UnreadableTree(f"path: {name!r} {reason}", entry=name.encode("utf-8", "backslashreplace").decode())
