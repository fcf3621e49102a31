# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module writes of its progress, and the files that it does not touch."""

from __future__ import annotations

import os
import threading
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._ansible.progress import FileProgress, progress
from ansible_collections.proven.gitops.plugins.module_utils._shared.report import SIZE, VARIABLE, Snapshot
from ansible_collections.proven.gitops.plugins.module_utils._tasks._case import QUIET, Progress
from ansible_collections.proven.gitops.plugins.plugin_utils.progress_line import decode


def handed(path: Path, monkeypatch: pytest.MonkeyPatch, *secrets: str) -> Progress:
    """What a module gets that is handed this file."""
    monkeypatch.setenv(VARIABLE, str(path))
    module = SimpleNamespace(no_log_values=set(secrets))
    told = progress(t.cast("t.Any", module))
    assert VARIABLE not in os.environ
    return told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "progress"
    path.write_bytes(Snapshot().encode())
    return path


def read(path: Path) -> Snapshot:
    content = path.read_bytes()
    assert len(content) == SIZE
    found = decode(content)
    assert found is not None
    return found


def test_the_present_state_is_in_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = handed(file, monkeypatch)
    assert isinstance(told, FileProgress)
    told.start("pushed", 3, "artifacts")
    told.expect(100)
    told.expect(50)
    told.advance(2)
    seen = read(file)
    assert (seen.what, seen.unit, seen.done, seen.total, seen.sent, seen.size) == ("pushed", "artifacts", 2, 3, 0, 150)
    assert seen.began > 0
    first = seen.first
    assert first == seen.began
    told.start("looked at", None, "tags")
    assert read(file).first == first < read(file).began
    assert (read(file).what, read(file).done, read(file).total, read(file).size) == ("looked at", 0, -1, 0)
    told.finish()
    assert read(file) == Snapshot()


def test_what_is_waited_for_until_it_is_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = handed(file, monkeypatch)
    told.start("reconciled", 2, "objects")
    told.waiting("OCIRepository a/b", "Progressing: building", 10, 300)
    seen = read(file)
    assert (seen.name, seen.words, seen.limit) == ("OCIRepository a/b", "Progressing: building", 300)
    assert 9.9 < seen.began - seen.waited < 10.1
    told.advance(1)
    assert (read(file).name, read(file).words, read(file).limit, read(file).done) == ("", "", 0, 1)


def test_no_secret_gets_into_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = handed(file, monkeypatch, "hunter2", "hunter2-longer")
    told.start("reconciled", 1, "objects")
    told.waiting("hunter2", "401 for hunter2-longer and hunter2", 0, 1)
    assert b"hunter2" not in file.read_bytes()
    assert b"longer" not in file.read_bytes()
    assert read(file).words == "401 for ******** and ********"


def test_bytes_are_not_written_one_by_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = handed(file, monkeypatch)
    told.start("pushed", 1, "artifacts")
    for _turn in range(10_000):
        told.transfer(1)
    assert read(file).sent < 10_000
    told.transfer(-10)
    told.advance(1)
    assert read(file).sent == 9_990


def test_threads_lose_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = handed(file, monkeypatch)
    told.start("pushed", 4000, "artifacts")

    def work() -> None:
        for _turn in range(500):
            told.advance(1)

    threads = [threading.Thread(target=work) for _thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(file).done == 4000


def test_a_broken_file_does_not_stop_the_work(tmp_path: Path) -> None:
    told = FileProgress(os.open("/dev/full", os.O_WRONLY), set())
    told.start("pushed", 1, "artifacts")
    told.advance(1)
    told.finish()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.write_bytes(b"root:x:0:0\n"),
        lambda path: path.write_bytes(b""),
    ],
    ids=["missing", "directory", "fifo", "foreign", "empty"],
)
def test_any_other_file_is_left_alone(
    make: t.Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable may be anybody's, and the module may be root."""
    path = tmp_path / "other"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    assert handed(path, monkeypatch) is QUIET
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_link_is_not_followed(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    assert handed(link, monkeypatch) is QUIET


def test_without_a_file_there_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert progress(t.cast("t.Any", SimpleNamespace(no_log_values=set()))) is QUIET
