# SPDX-License-Identifier: GPL-3.0-or-later
"""What layers hold, as this host has found out by itself: so that what is unchanged need not be compressed to know it.

One small file for each layer, named by the layer's digest. What it says is true of these bytes for ever, whatever made
them and wherever they are, but only if it was us who wrote it: hence a directory that nobody else can write to, and
nothing is believed that somebody else could have put there. It may be removed at any time; then the layer is compared
as if there were no ledger. It never fails a task: what cannot be read or written is left alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import typing as t

from ..._artifact.contents import Contents
from ..._shared.digest import hexadecimal

# The version of this form, and of what Contents.digest means; the digest, and that of the tar as it is in the layer.
_ENTRY = re.compile(rb"2 (sha256:[0-9a-f]{64}) (sha256:[0-9a-f]{64})\n\Z")
_MAX_ENTRIES = 20_000  # of 4 KiB on most disks
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Ledger:
    """The ledger in a directory; with None there is none, and nothing is known. Thread-safe, also between processes."""

    def __init__(self, directory: str | None) -> None:
        self._directory = directory

    @property
    def refusal(self) -> str:
        """Why an existing directory is not used; empty where it is, or where there is none."""
        if not self._directory or not os.path.lexists(self._directory):
            return ""
        try:
            os.close(_open(self._directory))
        except OSError as error:
            return f"{self._directory} {error.strerror}"
        return ""

    def find(self, layer: str) -> Contents | None:
        """What the layer of that digest holds, if it was noted."""
        with contextlib.suppress(OSError), self._opened() as directory:
            descriptor = os.open(hexadecimal(layer), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            with os.fdopen(descriptor, "rb") as file:
                if _is_ours(os.fstat(descriptor), stat.S_IFREG) and (entry := _ENTRY.match(file.read(4096))):
                    return Contents(entry.group(1).decode(), entry.group(2).decode())
        return None

    def note(self, found: t.Mapping[str, Contents]) -> None:
        """Remember what layers hold, by their digests. Only what was packed or read here may come in."""
        if not found or not self._directory:
            return
        with contextlib.suppress(OSError):
            os.makedirs(self._directory, 0o700, exist_ok=True)
            with self._opened() as directory:
                for layer, contents in found.items():
                    _write(directory, hexadecimal(layer), f"2 {contents.digest} {contents.diff_id}\n".encode())
                _prune(directory)

    @contextlib.contextmanager
    def _opened(self) -> t.Iterator[int]:
        if not self._directory:
            raise FileNotFoundError
        descriptor = _open(self._directory)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _open(path: str) -> int:
    """The directory's descriptor; PermissionError where others could have written to it."""
    descriptor = os.open(path, _DIRECTORY)
    if not _is_ours(os.fstat(descriptor), stat.S_IFDIR):
        os.close(descriptor)
        raise PermissionError(0, "is not a directory that only we can write to")
    return descriptor


def _is_ours(found: os.stat_result, kind: int) -> bool:
    return stat.S_IFMT(found.st_mode) == kind and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _write(directory: int, name: str, content: bytes) -> None:
    temporary = f".{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _prune(directory: int) -> None:
    """Forget the oldest half where there are too many."""
    names = os.listdir(directory)
    if len(names) <= _MAX_ENTRIES:
        return
    aged = sorted((os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime, name) for name in names)
    for _age, name in aged[: len(aged) // 2]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
