# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration means in containers, by kind's own rules."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._kind.config import declare, difference, record_difference
from ansible_collections.proven.gitops.plugins.module_utils._kind.docker import (
    CLUSTER_LABEL,
    ROLE_LABEL,
    Container,
    Mount,
    Port,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

Config = dict[str, t.Any]


def _running(name: str, role: str, image: str = "node:1", *ports: Port, **more: t.Any) -> Container:
    labels = {CLUSTER_LABEL: "c", ROLE_LABEL: role}
    return Container(name, image, f"sha256:{image}", True, "running", labels, frozenset(ports), **more)


def test_the_simplest_cluster() -> None:
    declared = declare("c", {}, "node:1")
    (node,) = declared.nodes
    assert (node.name, node.role, node.image) == ("c-control-plane", "control-plane", "node:1")
    assert node.ports == {Port(6443, "tcp", "127.0.0.1", 0)}
    assert json.loads(declared.encoded) == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": "c",
        "nodes": [{"role": "control-plane", "image": "node:1"}],
    }
    assert (declared.control_plane, declared.parts) == ("c-control-plane", {})


def test_nodes_are_named_as_kind_names_them() -> None:
    roles = ["worker", "control-plane", "worker", "worker"]
    declared = declare("c", {"nodes": [{"role": role} for role in roles]}, None)
    names = ["c-worker", "c-control-plane", "c-worker2", "c-worker3"]
    assert [node.name for node in declared.nodes] == names
    assert [node.image for node in declared.nodes] == [None] * 4


def test_several_control_planes_have_a_balancer_that_has_the_port() -> None:
    networking = {"apiServerPort": 6443, "apiServerAddress": "192.0.2.1"}
    declared = declare("c", {"nodes": [{}, {}], "networking": networking}, None)
    balancer = declared.nodes[-1]
    assert (balancer.name, balancer.role) == ("c-external-load-balancer", "external-load-balancer")
    assert balancer.ports == {Port(6443, "tcp", "192.0.2.1", 6443)}
    assert all(node.ports == {Port(6443, "tcp", "127.0.0.1", 0)} for node in declared.nodes[:2])
    assert [node.name for node in declared.nodes[:2]] == ["c-control-plane", "c-control-plane2"]


def test_defaults_of_an_ipv6_cluster() -> None:
    mapping = {"containerPort": 80, "hostPort": -1, "protocol": "UDP"}
    config = {"nodes": [{"extraPortMappings": [mapping]}], "networking": {"ipFamily": "ipv6"}}
    assert declare("c", config, None).nodes[0].ports == {Port(6443, "tcp", "::1", 0), Port(80, "udp", "::", 0)}


def test_what_is_as_declared_does_not_differ() -> None:
    mount = {"hostPath": "/srv/", "containerPath": "/srv", "readOnly": True}
    declared = declare("c", {"nodes": [{"image": "node:1", "extraMounts": [mount]}]}, None)
    mounts = frozenset({Mount("/srv", "/srv", True), Mount("/lib/modules", "/lib/modules", True)})
    live = _running("c-control-plane", "control-plane", "node:1", Port(6443, "tcp", "127.0.0.1", 41000), mounts=mounts)
    assert difference(declared, [live], {}) == []


def test_each_difference_is_said() -> None:
    declared = declare("c", {"nodes": [{"image": "node:2"}, {"role": "worker"}]}, None)
    live = [_running("c-control-plane", "worker", "node:1"), _running("c-worker2", "worker")]
    assert difference(declared, live, {"node:2": None}) == [
        "c-worker: is declared, and is not there",
        "c-worker2: is there, and is not declared",
        "c-control-plane: its role is worker, not control-plane",
        "c-control-plane: its image is node:1, not node:2",
        "c-control-plane: does not publish 127.0.0.1:any to 6443/tcp",
    ]


def test_the_same_image_by_another_name() -> None:
    declared = declare("c", {}, "mirror/node:1")
    live = _running("c-control-plane", "control-plane", "node:1", Port(6443, "tcp", "127.0.0.1", 41000))
    assert difference(declared, [live], {"mirror/node:1": live.image_id}) == []
    assert len(difference(declared, [live], {"mirror/node:1": "sha256:other"})) == 1


def test_the_record_shows_what_no_container_does() -> None:
    config: Config = {
        "nodes": [{"kubeadmConfigPatches": ["a"], "labels": {"x": "y"}}],
        "featureGates": {"A": True},
        "networking": {},
    }
    parts = declare("c", config, None).parts
    assert set(parts) == {"featureGates", "c-control-plane.kubeadmConfigPatches", "c-control-plane.labels"}
    assert record_difference(declare("c", config, None), parts) == []
    changed = {**config, "nodes": [{"kubeadmConfigPatches": ["b"]}]}
    assert record_difference(declare("c", changed, None), parts) == [
        "c-control-plane.kubeadmConfigPatches: is not what the cluster was made with",
        "c-control-plane.labels: is not what the cluster was made with",
    ]


@pytest.mark.parametrize("port", ["80", 1.5, True, 65536, -2])
def test_what_is_no_port(port: object) -> None:
    with pytest.raises(InvalidOption, match="is not a port"):
        declare("c", {"nodes": [{"extraPortMappings": [{"containerPort": port}]}]}, None)
