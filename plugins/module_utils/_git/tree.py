# SPDX-License-Identifier: GPL-3.0-or-later
"""Files wanted in a commit's tree, compared with what is there. Pure.

Files never touch a work tree: what a repository brings along (symbolic links, .gitattributes, hooks) is data here and
is never followed or run. Object and mode terms: gitformat-index(5), git-ls-tree(1).
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import typing as t
from dataclasses import dataclass

from .._shared.file_names import folded, leads_into_git
from .errors import PathConflict

REGULAR = "100644"
EXECUTABLE = "100755"
_SYMLINK = "120000"
_GITLINK = "160000"

Status = t.Literal["written", "removed", "unchanged"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_PATH_BYTES = 4095


@dataclass(frozen=True)
class File:
    """A file as it should be: `content` None means that it should not be there; `executable` None keeps what is.

    Without `force`, a file that is there stays as it is, whatever is in it.
    """

    path: str
    content: bytes | None
    executable: bool | None = None
    force: bool = True


@dataclass(frozen=True)
class Entry:
    """An entry of a tree, as `git ls-tree --long` gives it; `size` in bytes, of blobs only."""

    mode: str
    kind: str
    oid: str
    size: int = 0


@dataclass(frozen=True)
class Change:
    """What becomes of one file. `before` is None where there is none; `mode` is the mode it will have."""

    file: File
    status: Status
    before: Entry | None
    mode: str


def check_path(path: str) -> None:
    """Raise ValueError with the reason if a path could lead anywhere but to a file inside the repository."""
    if not path or path.startswith("/") or _CONTROL.search(path) or "\\" in path:
        raise ValueError("must be a relative path with / between its parts, without control characters or backslashes")
    if len(path.encode("utf-8", "surrogatepass")) > _MAX_PATH_BYTES or not _encodable(path):
        raise ValueError(f"must be valid UTF-8 of at most {_MAX_PATH_BYTES} bytes")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise ValueError("must not hold an empty part, '.' or '..'")
    if leads_into_git(path):
        raise ValueError("must not lead into a .git directory")


def _encodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_files(files: t.Sequence[File]) -> None:
    """Raise ValueError when two wanted files exclude each other: the same path twice, or one inside the other.

    Two paths that are one file on some disk exclude each other as well; one of them may be removed for the other.
    """
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise ValueError(f"{file.path} is given twice")
        seen.add(file.path)
    present = {file.path for file in files if file.content is not None}
    for path in present:
        for parent in parents(path):
            if parent in present:
                raise ValueError(f"{parent} is given as a file and, with {path}, as a directory")
    spelt: dict[str, str] = {}
    for path in sorted({name for file in present for name in (*parents(file), file)}):
        other = spelt.setdefault(folded(path), path)
        if other != path and posixpath.dirname(other) == posixpath.dirname(path):
            raise ValueError(f"{other} and {path} are one file on a Mac or on Windows")


def parents(path: str) -> t.Iterator[str]:
    """`a`, `a/b` for `a/b/c`."""
    position = path.find("/")
    while position >= 0:
        yield path[:position]
        position = path.find("/", position + 1)


def blob_id(content: bytes) -> str:
    """The object name git gives to a blob (SHA-1, which names it here and protects nothing)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def compare(files: t.Sequence[File], entries: t.Mapping[str, Entry]) -> list[Change]:
    """What has to be done, in the order of `files`. Raises PathConflict.

    `entries` holds what the tree has at each file's path and at each of its parents.
    """
    removed = {file.path for file in files if file.content is None}
    return [_compare_one(file, entries, removed) for file in files]


def _compare_one(file: File, entries: t.Mapping[str, Entry], removed: t.Collection[str]) -> Change:
    for parent in parents(file.path):
        _check_parent(file, parent, entries.get(parent), removed)
    before = entries.get(file.path)
    if before is not None and before.kind == "blob" and not file.force and file.content is not None:
        return Change(file, "unchanged", before, before.mode)
    if before is not None:
        _check_target(file, before)
    if file.content is None:
        return Change(file, "unchanged" if before is None else "removed", before, "")
    mode = _mode(file.executable, before)
    same = before is not None and before.oid == blob_id(file.content) and before.mode == mode
    return Change(file, "unchanged" if same else "written", before, mode)


def _mode(executable: bool | None, before: Entry | None) -> str:
    if executable is None:
        executable = before is not None and before.mode == EXECUTABLE
    return EXECUTABLE if executable else REGULAR


def _check_parent(file: File, parent: str, entry: Entry | None, removed: t.Collection[str]) -> None:
    if entry is None or entry.kind == "tree" or parent in removed:
        return
    if entry.mode == _SYMLINK:
        raise _conflict(file, f"{parent} is a symbolic link in the repository, and links are not followed")
    if entry.mode == _GITLINK:
        raise _conflict(file, f"{parent} is a submodule, which is a repository of its own")
    if file.content is not None:
        raise _conflict(file, f"{parent} is a file in the repository, not a directory")


def _check_target(file: File, entry: Entry) -> None:
    if entry.kind == "tree":
        raise _conflict(file, "is a directory in the repository: name the files in it")
    if entry.mode == _GITLINK:
        raise _conflict(file, "is a submodule, which is a repository of its own")
    if entry.mode == _SYMLINK and file.content is not None:
        raise _conflict(
            file, "is a symbolic link in the repository, and links are not written through; remove it first"
        )


def _conflict(file: File, reason: str) -> PathConflict:
    return PathConflict(f"files: {file.path}: {reason}", path=file.path)
