# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as a program: what it is made of, how it starts, and how it says why it does not."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import signal
import subprocess
import sys
import time
import typing as t
import zipfile
from pathlib import Path

import pytest
from support.plain_client import PlainClient

from ansible_collections.proven.gitops.plugins.module_utils._embedded import bundle
from ansible_collections.proven.gitops.plugins.module_utils._embedded.credentials import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._embedded.datadir import (
    DataDirectory,
    Running,
    Settings,
    announce,
)
from ansible_collections.proven.gitops.plugins.module_utils._embedded.main import main

SETTINGS = Settings("127.0.0.1", 0, "none", None, True, "")


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path)


def _write(directory: DataDirectory, settings: Settings = SETTINGS, **more: t.Any) -> None:
    document = {**settings.as_document(), **more}
    (directory.path / "settings.json").write_text(json.dumps(document))


def test_the_bundle_is_the_same_every_time() -> None:
    assert bundle.build() == bundle.build()


def test_the_bundle_is_all_of_this_room_but_its_maker() -> None:
    room = Path(bundle.__file__).parent
    names = {Path(name).name for name in zipfile.ZipFile(io.BytesIO(bundle.build())).namelist()}
    assert names == {path.name for path in room.glob("*.py")} - {"bundle.py"} | {"__main__.py"}


def _start(directory: DataDirectory) -> subprocess.Popen[bytes]:
    directory.code.write_bytes(bundle.build())
    arguments = [sys.executable, "-I", str(directory.code), str(directory.path)]
    with open(directory.log, "wb") as log:
        return subprocess.Popen(arguments, cwd="/", env={}, stderr=log)


def _wait(directory: DataDirectory) -> Running:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        running = directory.running()
        if running is not None:
            return running
        time.sleep(0.01)
    raise AssertionError(directory.last_log_line())


@pytest.mark.fault("R19")
@pytest.mark.parametrize("how", ["removed", "moved", "made again"])
def test_it_ends_where_its_directory_is_gone(tmp_path: Path, how: str) -> None:
    directory = DataDirectory(tmp_path / "data")
    directory.path.mkdir()
    _write(directory)
    with _start(directory) as process:
        _wait(directory)
        directory.path.rename(tmp_path / "moved")
        if how != "moved":
            shutil.rmtree(tmp_path / "moved")
        if how == "made again":
            directory.path.mkdir()
            directory.lock.touch()
        assert process.wait(10) == 0


@pytest.mark.fault("R19")
def test_only_without_a_login_its_name_matters(directory: DataDirectory) -> None:
    _write(directory, names=["registry.example"])
    with _start(directory) as process:
        port = _wait(directory).port
        asked = {}
        for host in ("127.0.0.1", "registry.example", "evil.example"):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/v2/", headers={"Host": f"{host}:{port}"})
            asked[host] = connection.getresponse().status
            connection.close()
        process.terminate()
    assert asked == {"127.0.0.1": 200, "registry.example": 200, "evil.example": 403}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_from_its_bundle_alone(directory: DataDirectory, number: signal.Signals) -> None:
    assert directory.running() is None
    _write(directory)
    (directory.storage / "incomplete").mkdir(parents=True)
    (directory.storage / "incomplete" / "left-behind").touch()
    with _start(directory) as process:
        running = _wait(directory)
        assert running.pid == process.pid
        client = PlainClient(f"127.0.0.1:{running.port}")
        assert client.push_image("v1")
        client.connection.close()
        process.send_signal(number)
        assert process.wait(20) == 0
    assert directory.running() is None
    assert "listening on 127.0.0.1:" in directory.log.read_text()
    assert directory.last_log_line().endswith("stopped")
    assert list((directory.storage / "incomplete").iterdir()) == []


def test_a_lock_without_its_process_is_nothing(directory: DataDirectory) -> None:
    with _hold(directory) as lock:
        assert directory.running() is None  # it does not listen yet
        announce(lock, Running(4711, 5000))
        assert directory.running() == Running(4711, 5000)
        assert directory.hold() is None
        for nonsense in (Running(0, 5000), Running(-1, 5000), Running(1, 5000), Running(4711, 0), Running(4711, 70000)):
            announce(lock, nonsense)
            assert directory.running() is None
        announce(lock, Running(4711, 5000))
    assert directory.lock.read_text() == '{"pid": 4711, "port": 5000}'
    assert directory.running() is None


def _hold(directory: DataDirectory) -> t.BinaryIO:
    lock = directory.hold()
    assert lock is not None
    return lock


def test_two_servers_do_not_share_a_directory(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules[main.__module__], "_LOCK_PAUSE", 0.001)
    _write(directory)
    with _hold(directory):
        assert main([str(directory.path)]) == 1
    assert capsys.readouterr().err == "another process serves this data directory\n"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"host": "127.0.0.1"}', '{"x": 1}'])
def test_damaged_settings(directory: DataDirectory, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (directory.path / "settings.json").write_text(content)
    assert main([str(directory.path)]) == 1
    assert "missing or damaged" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{}", "x"])
def test_without_its_credentials_it_does_not_start(
    directory: DataDirectory, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    _write(directory, auth="basic", username="ci")
    if content is not None:
        (directory.path / "credentials.json").write_text(content)
    assert main([str(directory.path)]) == 1
    assert "missing or damaged" in capsys.readouterr().err


def test_credentials_are_read(directory: DataDirectory) -> None:
    credentials = Credentials.create("ci", "x", cost=2)
    (directory.path / "credentials.json").write_text(json.dumps(credentials.as_document()))
    assert directory.credentials() == credentials


def test_it_says_why_it_cannot_listen(directory: DataDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    _write(directory, host="192.0.2.1", port=5000)
    assert main([str(directory.path)]) == 1
    assert capsys.readouterr().err == "cannot listen on 192.0.2.1 port 5000: Cannot assign requested address\n"


def test_it_says_why_it_cannot_store(directory: DataDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    _write(directory)
    directory.storage.touch()
    assert main([str(directory.path)]) == 1
    assert capsys.readouterr().err == f"{directory.storage}: File exists\n"


def test_the_last_line_of_a_log(directory: DataDirectory) -> None:
    assert directory.last_log_line() == ""
    directory.log.write_bytes(b"x" * 5000 + b"\nfirst\n last \xff\n\n")
    assert directory.last_log_line() == "last \N{REPLACEMENT CHARACTER}"
