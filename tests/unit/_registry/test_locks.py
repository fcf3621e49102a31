# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time, between threads and between processes, also when one is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import Busy
from ansible_collections.proven.gitops.plugins.module_utils._registry.locks import DIRECTORY_VARIABLE, exclusive

HOLDER = """
import sys, time
from ansible_collections.proven.gitops.plugins.module_utils._registry.locks import exclusive
with exclusive(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""
COUNTER = """
import sys, pathlib
from ansible_collections.proven.gitops.plugins.module_utils._registry.locks import exclusive
path = pathlib.Path(sys.argv[1])
for _turn in range(40):
    with exclusive("counter"):
        path.write_text(str(int(path.read_text()) + 1))
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "locks"
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(path))
    return path


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True)


def test_no_update_is_lost_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")
    processes = [start(COUNTER, str(path)) for _turn in range(3)]
    for process in processes:
        with process:
            assert process.wait(60) == 0
    assert path.read_text() == "120"


def test_threads_wait_for_each_other(directory: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with exclusive("x"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(directory.iterdir()) == []  # nothing is left behind


def test_different_names_do_not_wait(directory: Path) -> None:
    with exclusive("a"), exclusive("b", patience=0):
        assert len(list(directory.iterdir())) == 2


def test_who_holds_it_may_take_it_again() -> None:
    with exclusive("a"):
        with exclusive("a", patience=0):
            pass
        with pytest.raises(Busy), InThreadHolding("b"), exclusive("b", patience=0):
            pytest.fail("held twice")


class InThreadHolding:
    def __init__(self, name: str) -> None:
        self._name = name
        self._held, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with exclusive(self._name):
            self._held.set()
            self._end.wait(30)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._held.wait(30)

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def test_a_killed_holder_holds_no_longer() -> None:
    with start(HOLDER, "x") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy, match="another process"), exclusive("x", patience=0.1):
            pytest.fail("held twice")
        process.kill()
        process.wait()
        with exclusive("x", patience=5):
            pass


def test_an_error_inside_gives_it_back() -> None:
    with pytest.raises(RuntimeError), exclusive("x"):
        raise RuntimeError
    with exclusive("x", patience=0):
        pass


def test_the_directory_is_ours_alone(directory: Path) -> None:
    umask = os.umask(0)
    try:
        with exclusive("x"):
            assert directory.stat().st_mode & 0o777 == 0o700
            (file,) = directory.iterdir()
            assert file.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(umask)


def test_a_directory_that_others_can_write_to_is_refused(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)
    with pytest.raises(Busy, match=DIRECTORY_VARIABLE), exclusive("x"):
        pytest.fail("held")


def test_a_link_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "real")
    with pytest.raises(Busy), exclusive("x"):
        pytest.fail("held")


def test_no_place_for_locks(directory: Path) -> None:
    directory.write_text("a file")
    with pytest.raises(Busy, match="no place"), exclusive("x"):
        pytest.fail("held")


def test_by_default_a_place_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DIRECTORY_VARIABLE)
    with exclusive("test of proven.gitops"):
        found = os.stat(f"/tmp/proven-gitops-{os.geteuid()}")
    assert (found.st_uid, found.st_mode & 0o777) == (os.geteuid(), 0o700)
