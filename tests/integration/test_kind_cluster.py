# SPDX-License-Identifier: GPL-3.0-or-later
"""kind_cluster with a docker and a kind that only keep book: what is asked of them, and what comes of their answers."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from support.fake_docker import FakeMachine

if t.TYPE_CHECKING:  # pragma: no cover
    from conftest import Result, RunModule

pytestmark = pytest.mark.one_version

NODE = "kindest/node:v1.36.3"
TWO: dict[str, t.Any] = {
    "nodes": [
        {"role": "control-plane", "extraPortMappings": [{"containerPort": 30080, "hostPort": 8080}]},
        {
            "role": "worker",
            "image": "kindest/node:other",
            "extraMounts": [{"hostPath": "/srv", "containerPath": "/srv"}],
        },
    ],
    "networking": {"podSubnet": "10.1.0.0/16"},
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine.make(tmp_path, monkeypatch)


class Cluster(t.Protocol):
    def __call__(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Result: ...


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    return tmp_path / "new" / "demo.kubeconfig"


@pytest.fixture
def cluster(machine: FakeMachine, run_module: RunModule, kubeconfig: Path) -> Cluster:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Result:
        given = {"name": "demo", "image": NODE, "kubeconfig": str(kubeconfig), "wait_timeout": 1, **options}
        result = run_module("kind_cluster", check=check, **given)
        assert bool(result.get("failed")) is fails, result
        assert "exception" not in result, result
        assert "canary" not in str(result)
        return result

    return run


@pytest.mark.parametrize("config", [{}, TWO], ids=["one node", "two nodes"])
def test_check_run_check_run(machine: FakeMachine, cluster: Cluster, kubeconfig: Path, config: t.Any) -> None:
    predicted = cluster(check=True, config=config)
    assert (machine.names, kubeconfig.exists()) == ([], False)
    done = cluster(config=config)
    assert (done["changed"], done["actions"]) == (True, predicted["actions"])
    assert done["diff"] == predicted["diff"]
    assert [one["name"] for one in done["nodes"]] == [one["name"] for one in predicted["nodes"]] == machine.names
    assert done["network"] == "kind"
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert "kind-demo" in kubeconfig.read_text()
    assert sorted(path.name for path in kubeconfig.parent.iterdir()) == ["demo.kubeconfig"]
    machine.forget()
    for check in (True, False):
        again = cluster(check=check, config=config)
        assert (again["changed"], again["actions"], again["drift"]) == (False, [], [])
    assert machine.calls == []


def test_absent(machine: FakeMachine, cluster: Cluster, kubeconfig: Path) -> None:
    cluster()
    machine.kind("other")
    predicted = cluster(check=True, state="absent")
    assert machine.names == ["demo-control-plane", "other-control-plane"]
    done = cluster(state="absent")
    assert (done["changed"], done["actions"]) == (True, predicted["actions"])
    assert (machine.names, kubeconfig.exists()) == (["other-control-plane"], False)
    for check in (True, False):
        assert not cluster(check=check, state="absent")["changed"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({**TWO, "nodes": TWO["nodes"][:1]}, "demo-worker: is there, and is not declared"),
        ({**TWO, "nodes": [*TWO["nodes"], {"role": "worker"}]}, "demo-worker2: is declared, and is not there"),
        ({**TWO, "nodes": [{"role": "control-plane"}, TWO["nodes"][1]]}, "publishes 0.0.0.0:8080 to 30080/tcp"),
        ({**TWO, "networking": {"podSubnet": "10.2.0.0/16"}}, "networking: is not what the cluster was made with"),
        ({**TWO, "containerdConfigPatches": ["x"]}, "containerdConfigPatches: is not what"),
        ({**TWO, "nodes": [TWO["nodes"][0], {"role": "worker"}]}, f"image is kindest/node:other, not {NODE}"),
        ({**TWO, "nodes": [TWO["nodes"][0], {"role": "worker"}]}, "mounts /srv at /srv, which is not declared"),
        (
            {**TWO, "networking": {"podSubnet": "10.1.0.0/16", "apiServerPort": 6443}},
            "does not publish 127.0.0.1:6443 to 6443/tcp",
        ),
    ],
)
def test_drift(machine: FakeMachine, cluster: Cluster, config: t.Any, expected: str) -> None:
    cluster(config=TWO)
    for check in (True, False):
        refused = cluster(check=check, config=config, fails=True)
        assert refused["failure"]["code"] == "drift"
        assert any(expected in line for line in refused["failure"]["details"]["drift"])
        assert "state=absent" in refused["msg"]
    warned = cluster(config=config, on_drift="warn")
    assert not warned["changed"]
    assert any(expected in line for line in warned["drift"])
    assert any(expected in str(line) for line in warned["warnings"])


def test_an_image_under_another_name_is_no_drift(machine: FakeMachine, cluster: Cluster) -> None:
    machine.change(images={NODE: "sha256:1", "mirror/node:1": "sha256:1"})
    cluster()
    assert not cluster(image="mirror/node:1")["changed"]
    assert not cluster(image="")["changed"]


def test_a_cluster_of_somebody_else_is_adopted(machine: FakeMachine, cluster: Cluster, kubeconfig: Path) -> None:
    machine.kind("demo")
    done = cluster(image="kindest/node:default")
    assert done["actions"] == [f"write {kubeconfig}"]
    assert not cluster(image="kindest/node:default")["changed"]


def test_nodes_that_are_stopped_are_started(machine: FakeMachine, cluster: Cluster) -> None:
    cluster(config=TWO)
    machine.edit("demo-worker", status="exited")
    predicted = cluster(check=True, config=TWO)
    assert predicted["actions"] == ["start demo-worker"]
    assert machine.container("demo-worker")["status"] == "exited"
    assert cluster(config=TWO)["changed"]
    assert machine.container("demo-worker")["status"] == "running"
    assert not cluster(config=TWO)["changed"]


@pytest.mark.parametrize("ready", [False, "absent"])
def test_nodes_that_are_not_ready(machine: FakeMachine, cluster: Cluster, ready: t.Any) -> None:
    cluster(config=TWO)
    machine.edit("demo-worker", ready=ready)
    refused = cluster(config=TWO, fails=True)
    assert refused["failure"]["code"] == "not_ready"
    reason = refused["failure"]["details"]["nodes"]["demo-worker"]
    assert reason == ("has not joined" if ready else "cni plugin not initialized")
    assert not cluster(config=TWO, wait=False)["changed"]


def test_a_kubeconfig_that_is_gone_or_open_is_written_again(cluster: Cluster, kubeconfig: Path) -> None:
    cluster()
    kubeconfig.chmod(0o644)
    assert cluster()["actions"] == [f"write {kubeconfig}"]
    kubeconfig.unlink()
    assert cluster(check=True)["changed"]
    assert cluster()["changed"]
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", ["contexts: [{name: kind-demo}, {name: production}]", "{", "- a list", "contexts: [1]"]
)
def test_a_kubeconfig_of_others_is_left_alone(cluster: Cluster, kubeconfig: Path, content: str) -> None:
    kubeconfig.parent.mkdir()
    kubeconfig.write_text(content)
    for state in ("present", "absent"):
        refused = cluster(state=state, fails=True)
        assert refused["failure"]["details"]["option"] == "kubeconfig"
    assert kubeconfig.read_text() == content


def test_containers_without_a_cluster(machine: FakeMachine, cluster: Cluster) -> None:
    machine.kind("demo")
    machine.edit("demo-control-plane", kubeconfig=False)
    for check in (True, False):
        refused = cluster(check=check, fails=True)
        assert refused["failure"]["code"] == "cluster_half_made"
        assert "state=absent" in refused["msg"]
    machine.edit("demo-control-plane", kubeconfig=True)  # it was being made just then
    assert cluster(image="kindest/node:default")["changed"]


def test_killed_while_it_is_made(machine: FakeMachine, cluster: Cluster, kubeconfig: Path, tmp_path: Path) -> None:
    machine.change(slow=30)
    script = tmp_path / "run.py"
    script.write_text(
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.proven.gitops.plugins.modules import kind_cluster\n"
        f"given = {{'name': 'demo', 'kubeconfig': {str(kubeconfig)!r}, '_ansible_remote_tmp': '/tmp'}}\n"
        "with patch_module_args(given):\n"
        "    kind_cluster.main()\n"
    )
    path = os.pathsep.join(one for one in sys.path if one)
    running = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": path})
    try:
        end = time.monotonic() + 30
        while not machine.names and time.monotonic() < end:
            time.sleep(0.05)
        assert machine.names == ["demo-control-plane"]
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    machine.change(slow=0)
    predicted = cluster(check=True)
    done = cluster()
    assert done["actions"] == predicted["actions"]
    assert done["actions"][:2] == ["remove demo-control-plane", "create cluster demo"]
    assert not cluster()["changed"]


def test_kind_that_takes_too_long(machine: FakeMachine, cluster: Cluster, kubeconfig: Path) -> None:
    machine.change(slow=60)
    refused = cluster(create_timeout=1, fails=True)
    assert refused["failure"]["code"] == "creation_failed"
    assert "create_timeout" in refused["msg"]
    assert (machine.names, list(kubeconfig.parent.iterdir())) == ([], [])
    machine.change(slow=0)
    assert cluster()["changed"]


def test_kind_that_refuses(machine: FakeMachine, cluster: Cluster, kubeconfig: Path) -> None:
    said = "Creating cluster\nERROR: failed to create cluster: port 8080 is taken\nCommand Output: already allocated"
    machine.fail("kind create", said)
    refused = cluster(fails=True)
    assert refused["failure"]["code"] == "creation_failed"
    assert "port 8080 is taken; already allocated" in refused["msg"]
    assert list(kubeconfig.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock", "DOCKER_HOST"),
        ("permission denied while trying to connect", "group docker"),
        ("something else", "is it running?"),
    ],
)
def test_without_a_daemon(machine: FakeMachine, cluster: Cluster, said: str, advice: str) -> None:
    machine.fail("docker version", said)
    for state in ("present", "absent"):
        refused = cluster(state=state, fails=True, check=True)
        assert refused["failure"]["code"] == "docker_unavailable"
        assert advice in refused["msg"]


def test_without_docker(machine: FakeMachine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    refused = cluster(fails=True)
    assert refused["failure"]["code"] == "docker_unavailable"
    assert "install Docker" in refused["msg"]


def test_without_kind(machine: FakeMachine, cluster: Cluster) -> None:
    (machine.bin / "kind").rename(machine.bin / "kind-0.33")
    predicted = cluster(check=True)
    assert predicted["changed"]
    assert any("kind_cluster_kind_version" in str(warning) for warning in predicted["warnings"])
    assert cluster(fails=True)["failure"]["code"] == "kind_missing"
    assert cluster(kind_path=str(machine.bin / "kind-0.33"))["changed"]
    assert any("kind first" in str(warning) for warning in cluster(check=True)["warnings"])
    assert cluster(fails=True)["failure"]["code"] == "kind_missing"
    assert cluster(state="absent")["changed"]  # for that no kind is needed


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"name": "Demo"}, "name"),
        ({"name": "a" * 51}, "name"),
        ({"config": {"name": "other"}}, "config"),
        ({"config": {"apiVersion": "kind.x-k8s.io/v1alpha3"}}, "config"),
        ({"config": {"nodes": {"role": "worker"}}}, "config.nodes"),
        ({"config": {"nodes": [{"role": "worker"}]}}, "config.nodes"),
        ({"config": {"nodes": [{"role": "master"}]}}, "config.nodes[0].role"),
        ({"config": {"networking": "ipv6"}}, "config.networking"),
        ({"config": {"networking": {"apiServerPort": 70000}}}, "config.networking.apiServerPort"),
        ({"config": {"nodes": [{"extraPortMappings": [{"hostPort": 1}]}]}}, "config.nodes[0].extraPortMappings"),
        (
            {"config": {"nodes": [{"extraMounts": [{"hostPath": "x", "containerPath": "/y"}]}]}},
            "config.nodes[0].extraMounts",
        ),
        ({"wait_timeout": 0}, "wait_timeout"),
        ({"create_timeout": -1}, "create_timeout"),
    ],
)
def test_bad_options_before_anything_is_asked(
    machine: FakeMachine, cluster: Cluster, options: dict[str, t.Any], option: str
) -> None:
    refused = cluster(fails=True, **options)
    assert refused["failure"]["details"]["option"] == option
    assert machine.load()["calls"] == []
