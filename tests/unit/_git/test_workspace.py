# SPDX-License-Identifier: GPL-3.0-or-later
"""The private directory is private, and gone afterwards whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git.workspace import private_directory, write_private


def test_private_and_removed(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with private_directory(str(tmp_path)) as directory:
            file = write_private(directory / "secret", b"s3cret")
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert file.read_bytes() == b"s3cret"
            with pytest.raises(FileExistsError):
                write_private(file, b"again")
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_removed_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    def work() -> None:
        with private_directory(str(tmp_path)) as directory:
            write_private(directory / "secret", b"s3cret")
            raise error

    with pytest.raises(error):
        work()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_removed_when_the_task_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    def work() -> None:
        with private_directory(str(tmp_path)) as directory:
            write_private(directory / "secret", b"s3cret")
            os.kill(os.getpid(), number)
            threading.Event().wait(5)

    before = signal.signal(number, signal.SIG_DFL)  # under nohup, say, it is ignored from the start
    try:
        with pytest.raises(SystemExit) as caught:
            work()
        assert caught.value.code == 128 + number
        assert list(tmp_path.iterdir()) == []
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_somebody_elses_handler_stays(tmp_path: Path) -> None:
    def handler(*_: object) -> None:
        """Not ours."""

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with private_directory(str(tmp_path)):
            assert signal.getsignal(signal.SIGTERM) is handler
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_a_thread(tmp_path: Path) -> None:
    seen: list[bool] = []

    def work() -> None:
        with private_directory(str(tmp_path)) as directory:
            seen.append(directory.is_dir())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
    assert list(tmp_path.iterdir()) == []
