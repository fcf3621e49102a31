# SPDX-License-Identifier: GPL-3.0-or-later
"""kind_registry with a docker that only keeps book, and a registry of ours that answers on the port."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.fake_docker import FakeMachine
from support.wire import Wire

if t.TYPE_CHECKING:  # pragma: no cover
    from conftest import Result, RunModule

pytestmark = pytest.mark.one_version

IMAGE = "registry:3"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    machine = FakeMachine.make(tmp_path, monkeypatch)
    machine.kind("demo", "control-plane", "worker")
    return machine


@pytest.fixture
def port() -> t.Iterator[int]:
    """Where something answers as a registry does."""
    with Wire() as wire:
        wire.expect("GET", "/v2/", body=b"{}", always=True)
        yield int(wire.host.rpartition(":")[2])


class Registry(t.Protocol):
    def __call__(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Result: ...


@pytest.fixture
def registry(machine: FakeMachine, port: int, run_module: RunModule) -> Registry:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Result:
        given = {"cluster": "demo", "image": IMAGE, "port": port, "wait_timeout": 5, **options}
        result = run_module("kind_registry", check=check, **given)
        assert bool(result.get("failed")) is fails, result
        assert "exception" not in result, result
        return result

    return run


def test_check_run_check_run(machine: FakeMachine, registry: Registry, port: int) -> None:
    predicted = registry(check=True)
    assert machine.names == ["demo-control-plane", "demo-worker"]
    done = registry()
    assert (done["changed"], done["actions"], done["diff"]) == (True, predicted["actions"], predicted["diff"])
    assert (done["address"], done["cluster_address"]) == (f"127.0.0.1:{port}", "kind-registry:5000")
    made = machine.container("kind-registry")
    assert (made["image"], made["networks"]) == (IMAGE, ["kind"])
    assert made["ports"] == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    for node in ("demo-control-plane", "demo-worker"):
        files = machine.container(node)["files"]
        assert 'host."http://kind-registry:5000"' in files[f"/etc/containerd/certs.d/localhost:{port}/hosts.toml"]
        assert "/etc/containerd/certs.d/kind-registry:5000/hosts.toml" in files
    hosting = machine.container("demo-control-plane")["config_map"]["localRegistryHosting.v1"]
    assert f'"host": "localhost:{port}"' in hosting
    machine.forget()
    for check in (True, False):
        again = registry(check=check)
        assert (again["changed"], again["actions"]) == (False, [])
    assert machine.calls == []


def test_absent(machine: FakeMachine, registry: Registry) -> None:
    registry()
    predicted = registry(check=True, state="absent")
    assert "kind-registry" in machine.names
    done = registry(state="absent")
    assert (done["changed"], done["actions"]) == (True, predicted["actions"])
    assert machine.names == ["demo-control-plane", "demo-worker"]
    plane = machine.container("demo-control-plane")
    assert (list(plane["files"]), plane["config_map"]) == (["/etc/containerd/config.toml"], None)
    for check in (True, False):
        assert not registry(check=check, state="absent")["changed"]


def test_a_node_that_came_later_is_told(machine: FakeMachine, registry: Registry) -> None:
    registry()
    machine.edit("demo-worker", files={})
    assert registry(check=True)["actions"] == ["tell containerd of kind-registry in demo-worker"]
    assert registry()["changed"]
    assert not registry()["changed"]


def test_what_stopped_or_lost_its_network(machine: FakeMachine, registry: Registry) -> None:
    registry()
    machine.edit("kind-registry", status="exited", networks=["bridge"])
    assert registry()["actions"] == ["start kind-registry", "connect kind-registry to the network kind"]
    assert machine.container("kind-registry")["networks"] == ["bridge", "kind"]
    assert not registry()["changed"]


@pytest.mark.parametrize(
    ("options", "expected"), [({"image": "registry:2"}, "its image is"), ({"port": 1}, "publishes")]
)
def test_drift(machine: FakeMachine, registry: Registry, options: dict[str, t.Any], expected: str) -> None:
    registry()
    for check in (True, False):
        refused = registry(check=check, fails=True, **options)
        assert refused["failure"]["code"] == "drift"
        assert expected in refused["failure"]["details"]["drift"][0]
    assert registry(check=True, on_drift="warn", **options)["drift"]


def test_a_container_of_somebody_else(machine: FakeMachine, registry: Registry, port: int) -> None:
    registry()
    machine.edit("kind-registry", labels={})
    assert not registry()["changed"]  # as declared, it is as good as ours
    refused = registry(state="absent", fails=True)
    assert refused["failure"]["code"] == "foreign_container"
    assert "kind-registry" in machine.names


def test_without_a_cluster(machine: FakeMachine, registry: Registry) -> None:
    predicted = registry(check=True, cluster="other")
    assert predicted["changed"]
    assert any("there is no kind cluster other" in str(warning) for warning in predicted["warnings"])
    assert "make it first" in registry(cluster="other", fails=True)["msg"]
    assert not registry(cluster="other", state="absent")["changed"]
    machine.edit("demo-worker", status="exited")
    assert "demo-worker: stopped" in registry(fails=True)["msg"]


def test_a_port_that_is_taken(machine: FakeMachine, registry: Registry) -> None:
    machine.fail("docker run", "driver failed: Bind for 127.0.0.1 failed: port is already allocated.")
    refused = registry(fails=True)
    assert refused["failure"]["code"] == "creation_failed"
    assert "port is already allocated" in refused["msg"]
    machine.fail("docker run", "")
    assert registry()["changed"]


def test_a_registry_that_does_not_answer(registry: Registry) -> None:
    with Wire() as wire:
        port = int(wire.host.rpartition(":")[2])
        wire.expect("GET", "/v2/", status=500, always=True)
        refused = registry(port=port, wait_timeout=1, fails=True)
    assert refused["failure"]["code"] == "not_ready"
    assert "docker logs kind-registry" in refused["msg"]


def test_a_node_that_does_not_read_such_files(machine: FakeMachine, registry: Registry) -> None:
    machine.edit("demo-control-plane", files={"/etc/containerd/config.toml": "version = 2"})
    assert any("config_path" in str(warning) for warning in registry()["warnings"])


def test_a_daemon_on_another_host_is_not_asked_on_this_one(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://builder")
    assert registry(port=9)["changed"]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"name": "Registry"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"port": 0}, "port"),
        ({"listen_address": "localhost"}, "listen_address"),
        ({"cluster": "Demo"}, "cluster"),
        ({"wait_timeout": 0}, "wait_timeout"),
    ],
)
def test_bad_options_before_anything_is_asked(
    machine: FakeMachine, registry: Registry, options: dict[str, t.Any], option: str
) -> None:
    refused = registry(fails=True, **options)
    assert refused["failure"]["details"]["option"] == option
    assert machine.load()["calls"] == []
