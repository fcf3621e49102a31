# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file system can refuse, which a test that runs as root cannot make it refuse."""

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._shared.files import UnwritableFile
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.key_files import (
    Access,
    check_writable,
    remove,
    staged_key,
    sync_directory,
)
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.key_reading import read_key_file


def failing(number: int) -> t.Callable[..., t.NoReturn]:
    def fail(*_: object, **__: object) -> t.NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


def test_directory_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InvalidOption, match=f"path: the directory {tmp_path} is not writable"):
        check_writable(str(tmp_path / "cosign.key"), "path")


def test_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    with pytest.raises(InvalidOption, match=r"path: .*cosign.key cannot be read: Permission denied"):
        read_key_file(str(tmp_path / "cosign.key"), "path")


def test_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InvalidOption, match="Too many levels of symbolic links"):
        read_key_file(str(tmp_path / "a"), "path")


def test_file_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove(str(tmp_path / "absent"))
    monkeypatch.setattr(os, "unlink", failing(errno.EPERM))
    with pytest.raises(UnwritableFile, match="Operation not permitted"):
        remove(str(tmp_path / "cosign.pub"))


def test_directory_that_cannot_be_synchronised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))  # some network file systems
    sync_directory(str(tmp_path))
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(UnwritableFile, match="Input/output error"):
        sync_directory(str(tmp_path))


def write(path: Path, content: bytes) -> None:
    with staged_key(str(path), content, Access()) as commit:
        commit()


@pytest.mark.parametrize(("call", "number"), [("fsync", errno.ENOSPC), ("replace", errno.EROFS)])
def test_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    path = tmp_path / "cosign.key"
    write(path, b"old")
    monkeypatch.setattr(os, call, failing(number))
    with pytest.raises(UnwritableFile, match=f"{path}: {os.strerror(number)}"):
        write(path, b"new")
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"cosign.key": b"old"}


def test_file_that_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    with staged_key(str(tmp_path / "cosign.key"), b"new", Access()):
        (staged,) = tmp_path.iterdir()
        assert (staged.read_bytes(), staged.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == []
