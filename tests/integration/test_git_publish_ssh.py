# SPDX-License-Identifier: GPL-3.0-or-later
"""git_publish over SSH: the real ssh against a real SSH server."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from support.git_server import Bare
from support.publishing import Publisher, publish
from support.ssh_server import SshServer, ssh_server

__all__ = ["publish"]

FILES = [{"path": "clusters/one/app.yaml", "content": "a: 1\n"}]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare.create(tmp_path / "fleet.git", {"README.md": "hello\n"})


@pytest.fixture
def server(tmp_path: Path) -> t.Iterator[SshServer]:
    with ssh_server(tmp_path) as running:
        yield running


def test_check_run_check_run(publish: Publisher, bare: Bare, server: SshServer) -> None:
    options: dict[str, t.Any] = {
        "repository": server.url(bare.path),
        "privatekey_path": str(server.privatekey),
        "known_hosts": server.known_hosts,
        "files": FILES,
    }
    before = bare.tip()
    planned = publish(check=True, **options)
    assert (planned["changed"], bare.tip()) == (True, before)
    done = publish(**options)
    assert (done["changed"], done["commit"]) == (True, bare.tip())
    assert bare.files()["clusters/one/app.yaml"] == "a: 1\n"
    for check in (True, False):
        assert not publish(check=check, **options)["changed"]
    assert [command.split()[0] for command in server.commands].count("git-receive-pack") == 1


def test_key_by_content_and_known_hosts_by_path(
    publish: Publisher, bare: Bare, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_hosts = tmp_path / "known hosts"
    known_hosts.write_text(server.known_hosts)
    monkeypatch.setenv("PROVEN_GIT_PRIVATEKEY_CONTENT", server.privatekey.read_text().strip())
    monkeypatch.setenv("PROVEN_GIT_KNOWN_HOSTS_PATH", str(known_hosts))
    done = publish(repository=server.url(bare.path), files=FILES)
    assert (done["changed"], done["commit"]) == (True, bare.tip())
    assert known_hosts.read_text() == server.known_hosts


def test_an_unknown_host(publish: Publisher, bare: Bare, server: SshServer, tmp_path: Path) -> None:
    for known_hosts in ("other.example ssh-ed25519 AAAA", "# nothing"):
        failed = publish(
            repository=server.url(bare.path),
            privatekey_path=str(server.privatekey),
            known_hosts=known_hosts,
            files=FILES,
        )
        assert failed["failure"]["code"] == "host_key_refused"
        assert f"the host key of 127.0.0.1:{server.port} is not known" in failed["msg"]
    assert server.commands == []


def test_another_host_key(publish: Publisher, bare: Bare, server: SshServer, tmp_path: Path) -> None:
    with_other_key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(with_other_key)], check=True)
    key = with_other_key.with_suffix(".pub").read_text()
    failed = publish(
        repository=server.url(bare.path),
        privatekey_path=str(server.privatekey),
        known_hosts=f"[127.0.0.1]:{server.port} {key}",
        files=FILES,
    )
    assert failed["failure"]["code"] == "host_key_refused"
    assert "is not the one in known_hosts" in failed["msg"]


def test_a_key_that_the_server_does_not_know(
    publish: Publisher, bare: Bare, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    # The right one is in an agent, and must not be offered beside the one that was given.
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    variables = dict(part.split("=", 1) for part in agent.replace("\n", "").split(";") if "=" in part)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", variables["SSH_AUTH_SOCK"])
        subprocess.run(["ssh-add", "-q", str(server.privatekey)], check=True)
        options: dict[str, t.Any] = {
            "repository": server.url(bare.path),
            "known_hosts": server.known_hosts,
            "files": FILES,
        }
        failed = publish(privatekey_path=str(key), **options)
        assert failed["failure"]["code"] == "authentication_failed"
        assert "tried: the option privatekey_path as git" in failed["msg"]
        assert publish(**options)["changed"]  # with no key given, the agent's counts
    finally:
        subprocess.run(
            ["ssh-agent", "-k"], env={"SSH_AGENT_PID": variables["SSH_AGENT_PID"]}, check=True, capture_output=True
        )


def test_a_key_with_a_passphrase(publish: Publisher, bare: Bare, server: SshServer, tmp_path: Path) -> None:
    key = tmp_path / "protected"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "s3cret", "-f", str(key)], check=True)
    failed = publish(repository=server.url(bare.path), privatekey_path=str(key), files=FILES)
    assert failed["failure"]["code"] == "invalid_option"
    assert "privatekey_path: the key is protected by a passphrase" in failed["msg"]


def test_no_repository(publish: Publisher, bare: Bare, server: SshServer) -> None:
    failed = publish(
        repository=server.url(bare.path.with_name("none.git")),
        privatekey_path=str(server.privatekey),
        known_hosts=server.known_hosts,
        files=FILES,
    )
    assert failed["failure"]["code"] == "repository_not_found"


def test_a_server_that_is_down(publish: Publisher, bare: Bare, server: SshServer) -> None:
    failed = publish(
        repository=f"ssh://git@127.0.0.1:1{bare.path}", privatekey_path=str(server.privatekey), files=FILES
    )
    assert failed["failure"]["code"] == "unreachable"
    assert "cannot be reached (after " in failed["msg"]


def test_a_hook_declines(publish: Publisher, bare: Bare, server: SshServer) -> None:
    bare.hook("update", "echo protected >&2; exit 1")
    failed = publish(
        repository=server.url(bare.path),
        privatekey_path=str(server.privatekey),
        known_hosts=server.known_hosts,
        files=FILES,
    )
    assert failed["failure"]["code"] == "push_declined"
    assert "protected" in failed["msg"]
