# SPDX-License-Identifier: GPL-3.0-or-later
"""Files written whole or not at all, and never outside the directory they were meant for."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from .errors import GitopsError


class UnwritableFile(GitopsError):
    """A file or directory that cannot be written where it was to be."""

    code = "unwritable_file"


class FileAppeared(UnwritableFile):
    """A file that was to be new, and that somebody else made in the meantime."""

    code = "file_appeared"


def on_disk(path: str) -> str:
    """A path as a task names it, for Python's calls: its bytes on the disk are UTF-8, whatever the locale says.

    In a locale of other characters the text is no longer one to show; what is shown is the task's own.
    """
    return os.fsdecode(path.encode("utf-8", "surrogateescape"))


def write_atomically(path: str, content: t.Iterable[bytes], mode: int) -> None:
    """Write beside `path`, then rename over it: a reader sees the old file or the new one.

    A link at `path` is replaced, not followed.
    """
    with staged(path, content, mode) as commit:
        commit()


@contextlib.contextmanager
def staged(
    path: str, content: t.Iterable[bytes], mode: int, owner: tuple[int, int] = (-1, -1)
) -> t.Iterator[t.Callable[..., None]]:
    """A file that is complete, on the disk and has its mode and owner, but not yet its name.

    Calling what is given renames it to `path`; with `exclusive=True`, FileAppeared if something is there by then.
    Without that call nothing is left. `owner` is a user and a group by number, -1 to keep.
    """
    directory, name = os.path.split(path)
    temporary: str | None = None

    def commit(*, exclusive: bool = False) -> None:
        nonlocal temporary
        try:
            _place(t.cast(str, temporary), path, exclusive)
        except OSError as error:
            raise UnwritableFile(f"{path}: {error.strerror}", path=path) from None
        temporary = None

    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{name[:50]}.", dir=directory or ".")
        with os.fdopen(handle, "wb") as target:
            for piece in content:
                target.write(piece)
            target.flush()
            os.fchown(target.fileno(), *owner)
            os.fchmod(target.fileno(), mode)
            os.fsync(target.fileno())
        yield commit
    except OSError as error:
        raise UnwritableFile(f"{path}: {error.strerror}", path=path) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _place(temporary: str, path: str, exclusive: bool) -> None:
    """Rename; without replacing anything where that is asked for."""
    if exclusive:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise FileAppeared(f"{path}: another process has just made this file", path=path) from None
        except OSError:  # a file system without hard links: all that is left is to look just before
            if os.path.lexists(path):
                raise FileAppeared(f"{path}: another process has just made this file", path=path) from None
        else:
            os.unlink(temporary)
            return
    os.replace(temporary, path)
