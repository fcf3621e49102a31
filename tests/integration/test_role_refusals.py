# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles and the playbook prove refuse before they need a cluster: a scripted docker and kind are enough."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from support.fake_docker import FakeMachine
from support.playbook import Ran, run

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

Variables = dict[str, t.Any]
MANIFESTS = (
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: flux-system, labels: {app.kubernetes.io/part-of: flux}}\n"
)
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "one",
    "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:9"}}],
    "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    "users": [{"name": "one", "user": {"token": "nobody-knows-this-one"}}],
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine.make(tmp_path, monkeypatch)


class Play:
    """A role of ours in a play of its own; it has to fail."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.manifests, self.kubeconfig = directory / "flux.yaml", directory / "kubeconfig"
        self.manifests.write_text(MANIFESTS)
        self.kubeconfig.write_text(yaml.safe_dump(KUBECONFIG))

    def __call__(self, role: str, variables: Variables) -> Ran:
        file = self.directory / f"{role}.yml"
        play = {"hosts": "localhost", "gather_facts": False, "roles": [f"proven.gitops.{role}"]}
        play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        file.write_text(json.dumps([play]))
        ran = run(file, variables)
        assert ran.code != 0, ran.output
        assert "nobody-knows-this-one" not in ran.output
        return ran


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"manifests": "/nowhere.yaml"}, "there is no file /nowhere.yaml"),
        ({"manifests_checksum": "0" * 64}, "the SHA-256 of"),
        ({"manifests": "https://example.com/install.yaml"}, "flux_install_manifests_checksum"),
        ({"kubeconfig": "/nowhere"}, "kubeconfig: /nowhere is not there"),
        ({"method": "cli", "cli_path": "/nowhere/flux"}, "install the flux CLI, or name the manifests"),
    ],
)
def test_flux_install(play: Play, changes: Variables, expected: str) -> None:
    given = {"manifests": str(play.manifests), "kubeconfig": str(play.kubeconfig), **changes}
    ran = play("flux_install", {f"flux_install_{name}": value for name, value in given.items()})
    assert expected in ran.output


def test_kind_cluster(machine: FakeMachine, play: Play) -> None:
    given: Variables = {"kind_cluster_name": "demo", "kind_cluster_kubeconfig": str(play.directory / "new")}
    assert (
        "kind_cluster_kind_checksum" in play("kind_cluster", {**given, "kind_cluster_kind_version": "v0.33.0"}).output
    )
    assert (
        "kind_cluster_kind_version" in play("kind_cluster", {**given, "kind_cluster_kind_path": "/nowhere/kind"}).output
    )
    assert machine.names == []


@pytest.mark.parametrize(
    ("role", "task"),
    [
        ("flux_install", "Apply Flux's components"),
        ("flux_secrets", "Give Flux the public keys that prove"),
    ],
)
def test_a_cluster_that_does_not_answer(play: Play, role: str, task: str) -> None:
    key = play.directory / "cosign.pub"
    key.write_bytes(SigningKey.generate().public.pem)
    given: dict[str, Variables] = {
        "flux_install": {"flux_install_manifests": str(play.manifests)},
        "flux_secrets": {"flux_secrets_public_keys": [{"path": str(key)}]},
    }
    ran = play(role, {**given[role], f"{role}_kubeconfig": str(play.kubeconfig)})
    failure = _failure(ran, task)
    assert (failure["code"], "127.0.0.1:9" in failure["message"]) == ("unreachable", True), failure


def _failure(ran: Ran, task: str) -> Variables:
    assert [name.rpartition(" : ")[2] for name in ran.failed] == [task], ran.output
    return t.cast("Variables", ran.result(task)["failure"])


class Prove:
    """The playbook on a machine without anything."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "prove"
        manifests = directory / "hello"
        manifests.mkdir()
        (manifests / "app.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: hello}\n")
        self.variables = {"prove_dir": str(self.home), "prove_cluster": "demo", "prove_manifests": str(manifests)}

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        return run("proven.gitops.prove", self.variables, *arguments, **environment)


@pytest.fixture
def prove(machine: FakeMachine, tmp_path: Path) -> Prove:
    flux = machine.bin / "flux"
    flux.write_text("#!/bin/sh\n")
    flux.chmod(0o755)
    return Prove(tmp_path)


def test_check_mode_on_an_empty_machine(machine: FakeMachine, prove: Prove) -> None:
    planned = prove("--check", "--diff")
    assert planned.code == 0, planned.output
    assert "would run a git server" in planned.output
    assert len(planned.changed) >= 2
    assert (machine.names, machine.calls) == ([], [])
    assert not prove.home.exists()


@pytest.mark.parametrize("arguments", [("--check",), ()], ids=["check", "run"])
def test_without_docker(machine: FakeMachine, prove: Prove, arguments: tuple[str, ...]) -> None:
    machine.fail("docker", "Cannot connect to the Docker daemon at unix:///nowhere/docker.sock. Is it running?")
    refused = prove(*arguments)
    assert "Docker does not answer" in refused.result("Make sure that they are all there")["msg"]
    assert (machine.names, machine.calls, prove.home.exists()) == ([], [], False)


def test_without_kind(machine: FakeMachine, prove: Prove) -> None:
    (machine.bin / "kind").unlink()
    refused = prove()
    assert "kind is not on PATH" in refused.result("Make sure that they are all there")["msg"]
    assert (machine.names, machine.calls, prove.home.exists()) == ([], [], False)


def test_another_cluster_in_the_same_place(machine: FakeMachine, prove: Prove) -> None:
    prove.home.mkdir(mode=0o700)
    (prove.home / "made.json").write_text(json.dumps({"cluster": "another", "git_server": "git"}))
    refused = prove()
    assert refused.code != 0
    assert "prove_state=absent" in refused.output
    assert (machine.names, machine.calls) == ([], [])
