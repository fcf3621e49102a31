# SPDX-License-Identifier: GPL-3.0-or-later
"""The module oci_registry where something is wrong: options, directories, and processes that die or hang."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from support.registry_module import CANARY, Options, Run, client, data_dir, four_times, run

from ansible_collections.proven.gitops.plugins.module_utils._embedded import bundle
from ansible_collections.proven.gitops.plugins.module_utils._embedded.datadir import MARKER, DataDirectory
from ansible_collections.proven.gitops.plugins.module_utils._tasks.local import registry_process
from ansible_collections.proven.gitops.plugins.module_utils._tasks.local.local_registry import LocalRegistry, Wanted
from ansible_collections.proven.gitops.plugins.module_utils._tasks.local.registry_directory import RegistryDirectory

__all__ = ["data_dir", "run"]


@pytest.mark.parametrize(
    ("options", "option", "reason"),
    [
        ({"host": "0.0.0.0"}, "host", "allow_remote"),
        ({"host": "::"}, "host", "allow_remote"),
        ({"host": "192.0.2.1"}, "host", "allow_remote"),
        ({"host": "registry.example"}, "host", "allow_remote"),
        ({"host": "bad host", "allow_remote": True}, "host", "neither an address nor a name"),
        ({"host": ""}, "host", "neither an address nor a name"),
        ({"port": -1}, "port", "between 0 and 65535"),
        ({"port": 65536}, "port", "between 0 and 65535"),
        ({"wait_timeout": 0}, "wait_timeout", "positive"),
        ({"auth": "bearer"}, "auth", "needs both username and password"),
        ({"username": "a:b", "password": "x"}, "username", "colon"),
        ({"username": "a\nb", "password": "x"}, "username", "control"),
        ({"username": "", "password": "x"}, "username", "empty"),
        ({"username": "ci", "password": ""}, "password", "empty"),
    ],
)
def test_bad_options_change_nothing(run: Run, data_dir: Path, options: Options, option: str, reason: str) -> None:
    for check in (True, False):
        result = run(check=check, **options)
        assert result["failed"]
        assert (result["failure"]["code"], result["failure"]["details"]["option"]) == ("invalid_option", option)
        assert result["msg"].startswith(f"{option}: ")
        assert reason in result["msg"]
        assert not data_dir.exists()


def test_a_user_without_a_password(run: Run) -> None:
    assert "required together" in run(username="ci")["msg"]


@pytest.mark.parametrize("state", ["started", "stopped", "absent"])
def test_directories_that_are_not_ours(run: Run, data_dir: Path, tmp_path: Path, state: str) -> None:
    def refused(path: Path, reason: str) -> None:
        for check in (True, False):
            result = run(check=check, state=state, data_dir=str(path))
            assert result["failed"]
            assert result["msg"].startswith(f"data_dir: {path}")
            assert result["msg"].endswith(reason)

    (tmp_path / "work").mkdir(mode=0o755)
    (tmp_path / "work" / "thesis").touch()
    refused(tmp_path / "work", "is not empty, and not the data directory of a registry")
    refused(tmp_path / "work" / "thesis", "is not a directory")
    refused(tmp_path / "work" / "thesis" / "below", "Not a directory")
    assert (tmp_path / "work" / "thesis").exists()
    data_dir.mkdir()
    for mode in (0o777, 0o770):
        data_dir.chmod(mode)
        refused(data_dir, "can be written by other users")


def test_a_directory_of_another_user(run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir.mkdir(mode=0o755)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert run()["msg"] == f"data_dir: {data_dir} belongs to another user"
    assert list(data_dir.iterdir()) == []


def test_a_directory_that_cannot_be_made(run: Run) -> None:
    result = run(data_dir="/proc/registry")
    assert result["failed"]
    assert result["msg"] == "data_dir: /proc/registry: No such file or directory"


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(port=port)
    assert result["failed"]
    assert result["failure"]["code"] == "registry_process"
    expected = f"the registry did not start: cannot listen on 127.0.0.1 port {port}: Address already in use"
    assert result["msg"] == expected
    assert run(port=port)["changed"]  # once it is free


def test_a_server_that_dies_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "build", lambda: b"raise SystemExit('a reason')")
    assert run()["msg"] == "the registry did not start: a reason"
    monkeypatch.setattr(bundle, "build", lambda: b"raise SystemExit(3)")
    assert run()["msg"] == "the registry did not start: exit status 3"


def test_a_server_that_does_not_answer_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    spawn = registry_process._spawn

    def remember(directory: RegistryDirectory) -> subprocess.Popen[bytes]:
        started.append(spawn(directory))
        return started[0]

    monkeypatch.setattr(registry_process, "_spawn", remember)
    monkeypatch.setattr(bundle, "build", lambda: b"import time; time.sleep(60)")
    result = run(wait_timeout=1)
    assert result["msg"] == "the registry did not answer within 1 seconds (wait_timeout): its log is empty"
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_a_number_that_is_another_process_is_left_alone(run: Run, data_dir: Path) -> None:
    started = run()
    _kill(started["pid"])
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (data_dir / "server.lock").write_text(json.dumps({"pid": bystander.pid, "port": started["port"]}))
        assert not run(state="stopped")["changed"]
        back = run()
        assert back["changed"]
        assert back["actions"] == [f"start a registry at {started['address']}"]
        assert bystander.poll() is None
        run(state="absent")
        assert bystander.poll() is None
        bystander.kill()


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # in this test, the task's process is its parent
        os.waitpid(pid, 0)


def test_a_killed_server_is_started_again(run: Run) -> None:
    started = run()
    _kill(started["pid"])
    assert run(check=True)["changed"]
    back = run()
    assert back["changed"]
    assert back["address"] == started["address"]


def test_a_hanging_server_is_replaced(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_process, "_TERM_SECONDS", 0.2)
    monkeypatch.setattr(registry_process.answers, "__defaults__", (0.2,))
    started = run()
    os.kill(started["pid"], signal.SIGSTOP)
    back = run()
    assert back["changed"]
    assert back["actions"] == [f"stop process {started['pid']}", f"start a registry at {started['address']}"]
    with client(back) as registry:
        assert registry.call("GET", "/v2/").status == 200


def test_a_server_that_cannot_be_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    started = run()
    with monkeypatch.context() as patch:
        patch.setattr(registry_process, "_TERM_SECONDS", 0.05)
        patch.setattr(registry_process, "_KILL_SECONDS", 0.05)
        patch.setattr(os, "kill", lambda _pid, _number: None)
        assert run(state="stopped")["msg"] == f"process {started['pid']} does not end"

        def forbidden(_pid: int, _number: int) -> None:
            raise PermissionError

        patch.setattr(os, "kill", forbidden)
        assert run(state="stopped")["msg"] == f"process {started['pid']} belongs to another user"
    assert run(state="stopped")["changed"]


def test_damaged_files_are_written_anew(run: Run, data_dir: Path) -> None:
    options: Options = {"username": "ci", "password": CANARY}
    started = run(**options)
    for name in ("settings.json", "credentials.json"):
        (data_dir / name).write_text("{")
        again = four_times(run, **options)
        assert again["address"] == started["address"]


def test_a_directory_that_another_task_makes_meanwhile(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its marker appears between any two of our looks."""
    real = RegistryDirectory.is_ours

    def looked_at(directory: RegistryDirectory) -> bool:
        found = real(directory)
        (data_dir / MARKER).touch()
        return found

    data_dir.mkdir(mode=0o700)
    monkeypatch.setattr(RegistryDirectory, "is_ours", looked_at)
    for step in (RegistryDirectory(data_dir).check, RegistryDirectory(data_dir).create):
        (data_dir / MARKER).unlink(missing_ok=True)
        step()


def test_parallel_tasks_start_one_server(data_dir: Path) -> None:
    pids: list[int] = []

    def start() -> None:
        case = LocalRegistry(Wanted("started", data_dir))
        pids.append(case.apply(case.plan()).values["pid"])

    threads = [threading.Thread(target=start) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3
    assert set(pids) == {DataDirectory(data_dir).running().pid}  # type: ignore[union-attr]
