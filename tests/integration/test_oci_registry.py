# SPDX-License-Identifier: GPL-3.0-or-later
"""The module oci_registry, with real processes."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import sys
import zipfile
from pathlib import Path

import pytest
from support import playbook
from support.plain_client import basic
from support.registry_module import CANARY, Options, Run, client, data_dir, four_times, run

from ansible_collections.proven.gitops.plugins.module_utils._embedded import bundle
from ansible_collections.proven.gitops.plugins.module_utils._tasks.local import registry_process

__all__ = ["data_dir", "run"]


def test_started(run: Run, data_dir: Path) -> None:
    assert not run(check=True)["diff"]["after"].count('"pid"')
    assert not data_dir.exists()
    first = four_times(run)
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
    with client(first) as registry:
        assert registry.push_image("v1")


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
    with client(result, basic("ci", CANARY)) as registry:
        registry.push_image("v1")
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert not any(CANARY.encode() in path.read_bytes() for path in files)


def test_other_options_restart_it_and_keep_the_content(run: Run) -> None:
    before = run()
    with client(before) as registry:
        digest = registry.push_image("v1")
    after = four_times(run, referrers=False)
    assert after["port"] == before["port"]
    assert after["pid"] != before["pid"]
    assert after["actions"][0] == f"stop process {before['pid']}"
    assert json.loads(after["diff"]["before"])["referrers"] is True
    assert json.loads(after["diff"]["after"])["referrers"] is False
    with client(after) as registry:
        assert registry.manifest("HEAD", "v1").headers["docker-content-digest"] == digest
        assert registry.call("GET", f"/v2/team/app/referrers/{digest}").status == 404


def test_a_port_of_ones_own(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    first = run()
    moved = four_times(run, port=port)
    assert (moved["port"], moved["address"]) == (port, f"127.0.0.1:{port}")
    assert first["port"] != port
    assert not run()["changed"]  # any port means the one that it has


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_authentication(run: Run, auth: str) -> None:
    options: Options = {"username": "ci", "password": CANARY, "auth": auth}
    result = four_times(run, **options)
    after = json.loads(result["diff"]["after"])
    assert (after["auth"], after["username"]) == (auth, "ci")
    with client(result) as registry:
        challenge = registry.call("GET", "/v2/").headers["www-authenticate"]
        assert challenge.lower().startswith(auth)
        entrance = "/v2/" if auth == "basic" else "/token"
        assert registry.call("GET", entrance, Authorization=basic("ci", CANARY)).status == 200
        assert registry.call("GET", entrance, Authorization=basic("ci", "other")).status == 401

    changed = four_times(run, **{**options, "password": "another"})
    assert json.loads(changed["diff"]["after"])["password"] == "changed"
    with client(changed) as registry:
        assert registry.call("GET", entrance, Authorization=basic("ci", CANARY)).status == 401
        assert registry.call("GET", entrance, Authorization=basic("ci", "another")).status == 200

    opened = run()
    assert opened["changed"]
    assert not (Path(opened["data_dir"]) / "credentials.json").exists()
    with client(opened) as registry:
        assert registry.call("GET", "/v2/").status == 200


def test_tokens_survive_a_restart(run: Run) -> None:
    options: Options = {"username": "ci", "password": CANARY, "auth": "bearer"}
    with client(run(**options), basic("ci", CANARY)) as registry:
        token = registry.call("GET", "/token").json["token"]
    with client(run(**options, referrers=False), f"Bearer {token}") as registry:
        assert registry.call("GET", "/v2/").status == 200


def test_stopped_and_started_again(run: Run) -> None:
    assert not run(state="stopped")["changed"]
    started = run()
    with client(started) as registry:
        registry.push_image("v1")
    stopped = four_times(run, state="stopped")
    assert (stopped["pid"], stopped["port"], stopped["address"]) == (None, started["port"], started["address"])
    assert [json.loads(stopped["diff"][when])["state"] for when in ("before", "after")] == ["started", "stopped"]
    assert not registry_process.answers("127.0.0.1", started["port"])
    back = four_times(run)
    assert back["address"] == started["address"]
    with client(back) as registry:
        assert registry.manifest("HEAD", "v1").status == 200


def test_absent(run: Run, data_dir: Path) -> None:
    assert not run(state="absent")["changed"]
    started = run()
    with client(started) as registry:
        registry.push_image("v1")
    removed = four_times(run, state="absent")
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


def test_new_code_restarts_it(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = run()
    newer = tmp_path / "newer.pyz"
    newer.write_bytes(bundle.build())
    with zipfile.ZipFile(newer, "a") as archive:
        archive.comment = b"1.1.0"
    monkeypatch.setattr(bundle, "build", newer.read_bytes)
    again = four_times(run)
    assert again["pid"] != started["pid"]


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
    result = four_times(run, host=host)
    assert result["address"] == f"{address}{result['port']}"
    with client(result) as registry:
        assert registry.push_image("v1")


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
    - name: Predict
      proven.gitops.oci_registry:
      check_mode: true
    - name: Start
      proven.gitops.oci_registry:
    - name: Start again
      proven.gitops.oci_registry:
"""


def test_in_a_play(run: Run, data_dir: Path, tmp_path: Path) -> None:
    """From Ansible's own payload, which is gone when the registry has to serve."""
    path = tmp_path / "play.yml"
    path.write_text(PLAYBOOK)
    played = playbook.run(path, {"data_dir": str(data_dir)}, "-vv", "--diff", PROVEN_REGISTRY_PASSWORD=CANARY)
    assert played.code == 0, played.output
    assert CANARY not in played.output
    assert played.changed == ["Predict", "Start"]
    first, second = played.result("Start"), played.result("Start again")
    assert (second["pid"], second["address"]) == (first["pid"], first["address"])
    with client(first, basic("ci", CANARY)) as registry:
        assert registry.push_image("v1")
    assert run(state="absent")["changed"]
