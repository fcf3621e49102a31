# SPDX-License-Identifier: GPL-3.0-or-later
"""Key files on disk: written whole, private from the first byte."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t
from dataclasses import dataclass

from ..._shared.errors import InvalidOption
from ..._shared.files import UnwritableFile, staged

KEEP = -1  # as os.chown has it


@dataclass(frozen=True)
class Access:
    """Who may read a file: its mode (None: no more than the private default), owner and group (KEEP to leave them)."""

    mode: int | None = None
    uid: int = KEEP
    gid: int = KEEP

    @property
    def initial(self) -> int:
        """The mode of a new file."""
        return 0o600 if self.mode is None else self.mode

    def differences(self, path: str) -> list[str]:
        """What would have to change of a file that is there, a few words each."""
        found = os.stat(path)
        mode = stat.S_IMODE(found.st_mode)
        # What a link leads to is somebody else's to decide, unless we are told.
        wanted = mode if self.mode is None and os.path.islink(path) else self._mode_after(mode)
        words = [f"mode {mode:04o} to {wanted:04o}"] if mode != wanted else []
        words += [f"owner {found.st_uid} to {self.uid}"] if self.uid not in (KEEP, found.st_uid) else []
        words += [f"group {found.st_gid} to {self.gid}"] if self.gid not in (KEEP, found.st_gid) else []
        return words

    def impose(self, path: str) -> None:
        """Change what differs; UnwritableFile where that is not allowed."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
                os.fchown(descriptor, self.uid, self.gid)
                os.fchmod(descriptor, self._mode_after(mode))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UnwritableFile(f"{path}: its owner or mode cannot be changed: {error.strerror}", path=path) from None

    def _mode_after(self, mode: int) -> int:
        # A group may have been let in on purpose; "others" never are.
        return mode & ~stat.S_IRWXO if self.mode is None else self.mode


def check_writable(path: str, option: str) -> None:
    """InvalidOption unless a file could be made at `path`, or the one that was read there be replaced."""
    directory = os.path.dirname(path) or "."
    if os.path.islink(path):
        raise InvalidOption(option, f"{path} is a symbolic link; name the file that it should be", path=path)
    if not os.path.isdir(directory):
        raise InvalidOption(option, f"the directory {directory} does not exist", path=path)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InvalidOption(option, f"the directory {directory} is not writable", path=path)


def staged_key(path: str, content: bytes, access: Access) -> contextlib.AbstractContextManager[t.Callable[..., None]]:
    """A key file that only lacks its name; see files.staged."""
    return staged(path, [content], access.initial, (access.uid, access.gid))


def remove(path: str) -> None:
    """Remove a file that may be there."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise UnwritableFile(f"{path}: {error.strerror}", path=path) from None
    sync_directory(os.path.dirname(path) or ".")


def sync_directory(path: str) -> None:
    """What was renamed survives a power failure; some file systems cannot promise it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise UnwritableFile(f"{path}: {error.strerror}", path=path) from None
