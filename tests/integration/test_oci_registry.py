# SPDX-License-Identifier: GPL-3.0-or-later
"""The module oci_registry, with real processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import typing as t
import zipfile
from pathlib import Path

import pytest
from support.plain_client import PlainClient, basic

from ansible_collections.proven.gitops.plugins.module_utils._embedded import bundle
from ansible_collections.proven.gitops.plugins.module_utils._embedded.datadir import MARKER, DataDirectory
from ansible_collections.proven.gitops.plugins.module_utils._tasks import registry_process
from ansible_collections.proven.gitops.plugins.module_utils._tasks.local_registry import LocalRegistry, Wanted

CANARY = "pass-canary-Word"

Options = dict[str, t.Any]
Result = dict[str, t.Any]


class Run(t.Protocol):
    """The module with a data directory of the test's own."""

    def __call__(self, *, check: bool = False, **options: t.Any) -> Result: ...


@pytest.fixture
def data_dir(tmp_path: Path) -> t.Iterator[Path]:
    path = tmp_path / "registry"
    yield path
    if (path / MARKER).exists():
        removal = LocalRegistry(Wanted("absent", path))
        removal.apply(removal.plan())


@pytest.fixture
def run(run_module: t.Callable[..., Result], data_dir: Path) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> Result:
        result = run_module("oci_registry", check=check, **{"data_dir": str(data_dir), **options})
        assert CANARY not in json.dumps(result)
        return result

    return run


@contextlib.contextmanager
def _client(result: Result, authorization: str | None = None) -> t.Iterator[PlainClient]:
    client = PlainClient(result["address"], authorization=authorization)
    with contextlib.closing(client.connection):
        yield client


def _four_times(run: Run, **options: t.Any) -> Result:
    """Check mode, run, check mode again, run again: the result of the run that changed something."""
    predicted = run(check=True, **options)
    assert predicted["changed"]
    first = run(**options)
    assert first["changed"], first
    assert [action.removeprefix("would ").split()[0] for action in predicted["actions"]] == [
        action.split()[0] for action in first["actions"]
    ]
    for check in (True, False):
        again = run(check=check, **options)
        assert not again["changed"]
        assert again["actions"] == []
        assert again["diff"]["before"] == again["diff"]["after"]
        settled = json.loads(first["diff"]["after"])
        settled.pop("password", None)  # says only that it changes
        assert json.loads(again["diff"]["after"]) == settled
        assert {name: again[name] for name in ("address", "port", "pid")} == {
            name: first[name] for name in ("address", "port", "pid")
        }
    return first


def test_started(run: Run, data_dir: Path) -> None:
    assert not run(check=True)["diff"]["after"].count('"pid"')
    assert not data_dir.exists()
    first = _four_times(run)
    assert first["address"] == f"127.0.0.1:{first['port']}"
    assert first["url"] == f"http://{first['address']}"
    assert (first["data_dir"], first["log"]) == (str(data_dir), str(data_dir / "server.log"))
    assert first["actions"] == [f"start a registry at {first['address']}"]
    assert json.loads(first["diff"]["before"]) == {"state": "absent"}
    after = json.loads(first["diff"]["after"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", after.pop("server"))
    assert after == {
        "state": "started",
        "host": "127.0.0.1",
        "port": first["port"],
        "auth": "none",
        "username": None,
        "referrers": True,
    }
    with _client(first) as client:
        assert client.push_image("v1")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_the_process_has_nothing_of_the_task(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROVEN_REGISTRY_USERNAME", "ci")
    monkeypatch.setenv("PROVEN_REGISTRY_PASSWORD", CANARY)
    with open(tmp_path / "inherited", "w") as inherited:
        os.set_inheritable(inherited.fileno(), True)
        result = run()
    process = Path(f"/proc/{result['pid']}")
    assert CANARY.encode() not in (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    assert (process / "cmdline").read_text().split("\0")[1:-1] == ["-I", str(data_dir / "server.pyz"), str(data_dir)]
    assert os.getsid(result["pid"]) == result["pid"]
    assert os.readlink(process / "cwd") == str(data_dir)
    opened = {os.readlink(link) for link in (process / "fd").iterdir()}
    assert {name for name in opened if name.startswith("/")} == {
        "/dev/null",
        str(data_dir / "server.log"),
        str(data_dir / "server.lock"),
    }
    with _client(result, basic("ci", CANARY)) as client:
        client.push_image("v1")
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert not any(CANARY.encode() in path.read_bytes() for path in files)


def test_other_options_restart_it_and_keep_the_content(run: Run) -> None:
    before = run()
    with _client(before) as client:
        digest = client.push_image("v1")
    after = _four_times(run, referrers=False)
    assert after["port"] == before["port"]
    assert after["pid"] != before["pid"]
    assert after["actions"][0] == f"stop process {before['pid']}"
    assert json.loads(after["diff"]["before"])["referrers"] is True
    assert json.loads(after["diff"]["after"])["referrers"] is False
    with _client(after) as client:
        assert client.manifest("HEAD", "v1").headers["docker-content-digest"] == digest
        assert client.call("GET", f"/v2/team/app/referrers/{digest}").status == 404


def test_a_port_of_ones_own(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    first = run()
    moved = _four_times(run, port=port)
    assert (moved["port"], moved["address"]) == (port, f"127.0.0.1:{port}")
    assert first["port"] != port
    assert not run()["changed"]  # any port means the one that it has


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_authentication(run: Run, auth: str) -> None:
    options: Options = {"username": "ci", "password": CANARY, "auth": auth}
    result = _four_times(run, **options)
    after = json.loads(result["diff"]["after"])
    assert (after["auth"], after["username"]) == (auth, "ci")
    with _client(result) as client:
        challenge = client.call("GET", "/v2/").headers["www-authenticate"]
        assert challenge.lower().startswith(auth)
        entrance = "/v2/" if auth == "basic" else "/token"
        assert client.call("GET", entrance, Authorization=basic("ci", CANARY)).status == 200
        assert client.call("GET", entrance, Authorization=basic("ci", "other")).status == 401

    changed = _four_times(run, **{**options, "password": "another"})
    assert json.loads(changed["diff"]["after"])["password"] == "changed"
    with _client(changed) as client:
        assert client.call("GET", entrance, Authorization=basic("ci", CANARY)).status == 401
        assert client.call("GET", entrance, Authorization=basic("ci", "another")).status == 200

    opened = run()
    assert opened["changed"]
    assert not (Path(opened["data_dir"]) / "credentials.json").exists()
    with _client(opened) as client:
        assert client.call("GET", "/v2/").status == 200


def test_tokens_survive_a_restart(run: Run) -> None:
    options: Options = {"username": "ci", "password": CANARY, "auth": "bearer"}
    with _client(run(**options), basic("ci", CANARY)) as client:
        token = client.call("GET", "/token").json["token"]
    with _client(run(**options, referrers=False), f"Bearer {token}") as client:
        assert client.call("GET", "/v2/").status == 200


def test_stopped_and_started_again(run: Run) -> None:
    assert not run(state="stopped")["changed"]
    started = run()
    with _client(started) as client:
        client.push_image("v1")
    stopped = _four_times(run, state="stopped")
    assert (stopped["pid"], stopped["port"], stopped["address"]) == (None, started["port"], started["address"])
    assert [json.loads(stopped["diff"][when])["state"] for when in ("before", "after")] == ["started", "stopped"]
    assert not registry_process.answers("127.0.0.1", started["port"])
    back = _four_times(run)
    assert back["address"] == started["address"]
    with _client(back) as client:
        assert client.manifest("HEAD", "v1").status == 200


def test_absent(run: Run, data_dir: Path) -> None:
    assert not run(state="absent")["changed"]
    started = run()
    with _client(started) as client:
        client.push_image("v1")
    removed = _four_times(run, state="absent")
    assert removed["actions"] == [f"stop process {started['pid']}", f"remove {data_dir}"]
    assert removed["address"] is removed["port"] is removed["log"] is removed["pid"] is None
    assert json.loads(removed["diff"]["after"]) == {"state": "absent"}
    assert not data_dir.exists()
    assert not registry_process.answers("127.0.0.1", started["port"])


def test_absent_keeps_what_it_did_not_make(run: Run, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    run()
    (data_dir / "precious").touch()
    removed = run(state="absent")
    assert [path.name for path in data_dir.iterdir()] == ["precious"]
    assert "precious" in json.dumps(removed["warnings"])
    (data_dir / "precious").unlink()
    run()
    run(state="absent")
    assert list(data_dir.iterdir()) == []  # the directory was there before


def test_absent_removes_what_a_killed_task_began(run: Run, data_dir: Path) -> None:
    run()
    (data_dir / ".settings.json.k1ll3d").touch()
    run(state="absent")
    assert not data_dir.exists()


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


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory away")
def test_a_directory_of_another_user(run: Run, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    os.chown(data_dir, 65534, -1)
    assert run()["msg"] == f"data_dir: {data_dir} belongs to another user"


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


def test_a_server_that_does_not_answer_is_ended(run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = b"import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr(bundle, "build", lambda: script)
    result = run(wait_timeout=1)
    assert result["msg"].startswith("the registry did not answer within 1 seconds (wait_timeout)")
    with pytest.raises(ProcessLookupError):
        os.kill(int((data_dir / "pid").read_text()), 0)
    (data_dir / "pid").unlink()


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
    with _client(back) as client:
        assert client.call("GET", "/v2/").status == 200


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


def test_new_code_restarts_it(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = run()
    newer = tmp_path / "newer.pyz"
    newer.write_bytes(bundle.build())
    with zipfile.ZipFile(newer, "a") as archive:
        archive.comment = b"1.1.0"
    monkeypatch.setattr(bundle, "build", newer.read_bytes)
    again = _four_times(run)
    assert again["pid"] != started["pid"]


def test_damaged_files_are_written_anew(run: Run, data_dir: Path) -> None:
    options: Options = {"username": "ci", "password": CANARY}
    started = run(**options)
    for name in ("settings.json", "credentials.json"):
        (data_dir / name).write_text("{")
        again = _four_times(run, **options)
        assert again["address"] == started["address"]


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


def test_for_others_too(run: Run) -> None:
    result = run(host="0.0.0.0", allow_remote=True)
    assert result["address"] == f"127.0.0.1:{result['port']}"
    assert "no authentication" in json.dumps(result["warnings"])
    result = run(host="0.0.0.0", allow_remote=True, username="ci", password=CANARY)
    assert "in the clear" in json.dumps(result["warnings"])


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "localhost:"), ("::1", "[::1]:"), ("127.0.0.2", "127.0.0.2:")]
)
def test_loopback_by_other_names(run: Run, host: str, address: str) -> None:
    result = _four_times(run, host=host)
    assert result["address"] == f"{address}{result['port']}"
    with _client(result) as client:
        assert client.push_image("v1")


PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  module_defaults:
    group/proven.gitops.all:
      data_dir: "{{ data_dir }}"
      username: ci
  tasks:
    - proven.gitops.oci_registry:
      check_mode: true
      register: predicted
    - proven.gitops.oci_registry:
      register: first
    - proven.gitops.oci_registry:
      register: second
    - ansible.builtin.copy:
        content: "{{ [predicted, first, second] | to_json }}"
        dest: "{{ data_dir }}.json"
        mode: "0600"
"""


def test_in_a_play(run: Run, data_dir: Path, tmp_path: Path) -> None:
    """From Ansible's own payload, which is gone when the registry has to serve."""
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK)
    collections = Path(__file__).resolve().parents[2] / "build" / "collections"
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_REMOTE_TMP": str(tmp_path / "remote"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "PROVEN_REGISTRY_PASSWORD": CANARY,
    }
    arguments = [
        sys.executable,
        "-m",
        "ansible",
        "playbook",
        str(playbook),
        "-e",
        f"data_dir={data_dir}",
        "-vv",
        "--diff",
    ]
    play = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert play.returncode == 0, play.stdout + play.stderr
    assert CANARY not in play.stdout + play.stderr
    predicted, first, second = json.loads(Path(f"{data_dir}.json").read_text())
    assert [result["changed"] for result in (predicted, first, second)] == [True, True, False]
    assert (second["pid"], second["address"]) == (first["pid"], first["address"])
    with _client(first, basic("ci", CANARY)) as client:
        assert client.push_image("v1")
    assert run(state="absent")["changed"]
