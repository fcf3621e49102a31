# SPDX-License-Identifier: GPL-3.0-or-later
"""Files below a directory, reached from one open directory to the next, so that no link can lead out of it.

Paths are never resolved as a whole: between a look at a path and its use somebody could put a link into it. Names are
written as UTF-8, whatever the locale; the root's comes from the user as `files.on_disk` makes it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import typing as t

from .files import FileAppeared, UnwritableFile

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_DIRECTORY = (errno.ENOTDIR, errno.ELOOP)


@contextlib.contextmanager
def opened(root: str, name: str, *, create: bool = False) -> t.Iterator[int | None]:
    """A descriptor of the directory root/name; None where it is missing and not to be created.

    UnwritableFile where a part of `name` is a link or a file. `root` itself may be reached by links: the user named it.
    """
    with contextlib.ExitStack() as stack:
        path = root
        try:
            if create:
                os.makedirs(root, mode=0o755, exist_ok=True)
            directory = _open(stack, root, _DIRECTORY, None)
            for part in _parts(name):
                path = os.path.join(path, part.decode())
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=directory)
                directory = _open(stack, part, _DIRECTORY | os.O_NOFOLLOW, directory)
        except FileNotFoundError:
            if create:
                raise UnwritableFile(f"dest: {path} disappeared", path=path) from None
            yield None
            return
        except OSError as error:
            raise _unwritable(path, error) from None
        yield directory


def _open(stack: contextlib.ExitStack, name: str | bytes, flags: int, directory: int | None) -> int:
    descriptor = os.open(name, flags, dir_fd=directory)
    stack.callback(os.close, descriptor)
    return descriptor


def digest_of(root: str, name: str) -> str | None:
    """The sha256 (hex) of the regular file root/name; None where there is none, or what a write would replace."""
    path = os.path.join(root, name)
    with opened(root, os.path.dirname(name)) as directory:
        if directory is None:
            return None
        base = _base(name)
        try:
            mode = os.stat(base, dir_fd=directory, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                raise UnwritableFile(f"dest: {path} is a directory, where a file is expected", path=path)
            if not stat.S_ISREG(mode):
                return None
            descriptor = os.open(base, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unwritable(path, error) from None
        with os.fdopen(descriptor, "rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()


def exists(root: str, name: str) -> bool:
    """Whether there is anything at root/name, be it a link to nothing."""
    with opened(root, os.path.dirname(name)) as directory:
        if directory is None:
            return False
        try:
            os.stat(_base(name), dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


def write(root: str, name: str, content: t.Iterable[bytes], *, new: bool) -> None:
    """Write root/name whole or not at all, with mode 0644. A `new` file never replaces one: FileAppeared.

    That is also what a file system that ignores case answers to the second of two names that differ in nothing else.
    """
    path = os.path.join(root, name)
    with opened(root, os.path.dirname(name), create=True) as directory, contextlib.ExitStack() as undo:
        base, temporary = _base(name), f".{secrets.token_hex(8)}.part"
        try:
            descriptor = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory
            )
            undo.callback(_remove, temporary, directory)
            with os.fdopen(descriptor, "wb") as target:
                for piece in content:
                    target.write(piece)
                target.flush()
                os.fchmod(target.fileno(), 0o644)
                os.fsync(target.fileno())
            if new:
                os.link(temporary.encode(), base, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
            else:
                os.rename(temporary.encode(), base, src_dir_fd=directory, dst_dir_fd=directory)
        except FileExistsError:
            raise FileAppeared(f"dest: {path} has just appeared, or differs from another name only in case") from None
        except OSError as error:
            raise _unwritable(path, error) from None


def _remove(name: str, directory: int | None) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)


def _unwritable(path: str, error: OSError) -> UnwritableFile:
    if error.errno in _NO_DIRECTORY:
        return UnwritableFile(f"dest: {path} is a link or a file, where a directory is expected", path=path)
    return UnwritableFile(f"dest: {path}: {error.strerror}", path=path)


def _parts(name: str) -> list[bytes]:
    return [part.encode("utf-8") for part in name.split("/") if part not in ("", ".")]


def _base(name: str) -> bytes:
    return os.path.basename(name).encode("utf-8")
