# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's configuration in kind's own words, the containers it means, and how those that run differ from it.

Source: kind v0.33, pkg/apis/config/v1alpha4 (types, defaults) and pkg/cluster/internal/providers/docker/provision.go.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import typing as t
from dataclasses import dataclass

from .._shared.errors import InvalidOption
from .docker import Container, Mount, Port

API_VERSION = "kind.x-k8s.io/v1alpha4"
API_SERVER_PORT = 6443
CONTROL_PLANE, WORKER, BALANCER = "control-plane", "worker", "external-load-balancer"

Config = dict[str, t.Any]

_NAME = re.compile(r"[a-z0-9.-]{1,50}")  # kind warns beyond: a node's name is a host name
# What can be seen of a node's container; the rest of a node, and of the configuration, is known from the record only.
_SEEN = frozenset({"role", "image", "extraPortMappings", "extraMounts"})
# Mounts that kind makes by itself.
_KINDS_OWN = frozenset({"/lib/modules", "/dev/mapper"})


@dataclass(frozen=True)
class Node:
    """A container that is to be. A `host` port of 0 is any. `image` is None where kind chooses it."""

    name: str
    role: str
    image: str | None
    ports: frozenset[Port]
    mounts: frozenset[Mount]


@dataclass(frozen=True)
class Declared:
    """What kind is to make: its input, the containers, and the digests of what no container shows."""

    name: str
    document: Config
    nodes: tuple[Node, ...]
    parts: t.Mapping[str, str]

    @property
    def encoded(self) -> bytes:
        """As kind reads it: JSON is YAML."""
        return json.dumps(self.document, indent=2).encode()

    @property
    def control_plane(self) -> str:
        """The name of the node that is made first."""
        return next(node.name for node in self.nodes if node.role == CONTROL_PLANE)


def check_name(name: str, option: str = "name") -> None:
    """Raise InvalidOption for what kind takes for no cluster's name."""
    if not _NAME.fullmatch(name):
        raise InvalidOption(option, f"{name!r} is not a name of at most 50 lower-case letters, digits, '.' and '-'")


def declare(name: str, config: t.Mapping[str, t.Any], image: str | None) -> Declared:
    """The cluster that `config` means; `image` is for nodes that name none. Raises InvalidOption."""
    check_name(name)
    if config.get("name") not in (None, name):
        raise InvalidOption("config", f"is for a cluster {config['name']!r}, not {name!r}")
    if config.get("apiVersion", API_VERSION) != API_VERSION or config.get("kind", "Cluster") != "Cluster":
        raise InvalidOption("config", f"must be a Cluster of {API_VERSION}")
    given = _list_of_dicts(config.get("nodes"), "config.nodes") or [{"role": CONTROL_PLANE}]
    networking = config.get("networking") or {}
    if not isinstance(networking, dict):
        raise InvalidOption("config.networking", "must be a mapping")
    filled = [{"role": CONTROL_PLANE, **({"image": image} if image else {}), **node} for node in given]
    document = {**config, "kind": "Cluster", "apiVersion": API_VERSION, "name": name, "nodes": filled}
    nodes = _nodes(name, filled, networking)
    if not any(node.role == CONTROL_PLANE for node in nodes):
        raise InvalidOption("config.nodes", "must have at least one node with the role control-plane")
    return Declared(name, document, nodes, _parts(document, nodes))


def difference(declared: Declared, live: t.Sequence[Container], image_ids: t.Mapping[str, str | None]) -> list[str]:
    """How the containers differ, a sentence each. `image_ids` has the ID of each declared image that is known here."""
    there = {one.name: one for one in live}
    wanted = {node.name: node for node in declared.nodes}
    found = [f"{name}: is declared, and is not there" for name in sorted(set(wanted) - set(there))]
    found += [f"{name}: is there, and is not declared" for name in sorted(set(there) - set(wanted))]
    for name in sorted(set(wanted) & set(there)):
        found += [f"{name}: {text}" for text in _node_difference(wanted[name], there[name], image_ids)]
    return found


def record_difference(declared: Declared, recorded: t.Mapping[str, t.Any]) -> list[str]:
    """What of the configuration is not as it was when the cluster was made, by the record that was made then."""
    names = sorted({name for name in {*declared.parts, *recorded} if declared.parts.get(name) != recorded.get(name)})
    return [f"{name}: is not what the cluster was made with" for name in names]


def _nodes(cluster: str, given: t.Sequence[Config], networking: Config) -> tuple[Node, ...]:
    planes = sum(1 for node in given if node.get("role") == CONTROL_PLANE)
    wildcard, loopback = ("::", "::1") if networking.get("ipFamily") == "ipv6" else ("0.0.0.0", "127.0.0.1")  # noqa: S104
    address = str(networking.get("apiServerAddress") or loopback)
    api = Port(
        API_SERVER_PORT, "tcp", address, _port(networking.get("apiServerPort"), "config.networking.apiServerPort")
    )
    inner = api if planes == 1 else Port(API_SERVER_PORT, "tcp", loopback, 0)
    counts: dict[str, int] = {}
    nodes = []
    for number, node in enumerate(given):
        where, role = f"config.nodes[{number}]", node.get("role")
        if role not in (CONTROL_PLANE, WORKER):
            raise InvalidOption(f"{where}.role", f"{role!r} is neither control-plane nor worker")
        counts[role] = counts.get(role, 0) + 1
        ports = {_mapping(one, where, wildcard) for one in _list_of_dicts(node.get("extraPortMappings"), where)}
        if role == CONTROL_PLANE:
            ports.add(inner)
        mounts = frozenset(_mount(one, where) for one in _list_of_dicts(node.get("extraMounts"), where))
        suffix = str(counts[role]) if counts[role] > 1 else ""
        nodes.append(Node(f"{cluster}-{role}{suffix}", role, node.get("image"), frozenset(ports), mounts))
    if planes > 1:
        nodes.append(Node(f"{cluster}-{BALANCER}", BALANCER, None, frozenset({api}), frozenset()))
    return tuple(nodes)


def _mapping(value: Config, where: str, wildcard: str) -> Port:
    inside = _port(value.get("containerPort"), f"{where}.extraPortMappings.containerPort")
    if not inside:
        raise InvalidOption(f"{where}.extraPortMappings", "containerPort is missing")
    return Port(
        inside,
        str(value.get("protocol") or "TCP").lower(),
        str(value.get("listenAddress") or wildcard),
        _port(value.get("hostPort"), f"{where}.extraPortMappings.hostPort"),
    )


def _mount(value: Config, where: str) -> Mount:
    source, target = value.get("hostPath"), value.get("containerPath")
    if not isinstance(source, str) or not isinstance(target, str) or not os.path.isabs(source):
        raise InvalidOption(f"{where}.extraMounts", "hostPath (an absolute path) and containerPath are required")
    return Mount(os.path.normpath(source), os.path.normpath(target), bool(value.get("readOnly")))


def _port(value: object, where: str) -> int:
    """0 is any port, as are nothing and -1."""
    if value in (None, -1):
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**16:
        raise InvalidOption(where, f"{value!r} is not a port")
    return value


def _list_of_dicts(value: object, where: str) -> list[Config]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InvalidOption(where, "must be a list of mappings")
    return value


def _node_difference(wanted: Node, live: Container, image_ids: t.Mapping[str, str | None]) -> list[str]:
    found = [] if wanted.role == live.role else [f"its role is {live.role or 'unknown'}, not {wanted.role}"]
    # An image that is not on this machine, and was not named like this, cannot be the one.
    if wanted.image and wanted.image != live.image and image_ids.get(wanted.image) != live.image_id:
        found.append(f"its image is {live.image}, not {wanted.image}")
    missing = {port for port in wanted.ports if not any(_same(port, one) for one in live.ports)}
    extra = {port for port in live.ports if not any(_same(one, port) for one in wanted.ports)}
    found += [f"does not publish {port}" for port in sorted(missing)]
    found += [f"publishes {port}, which is not declared" for port in sorted(extra)]
    mounts = {mount for mount in live.mounts if mount.target not in _KINDS_OWN}
    found += [f"does not mount {mount}" for mount in sorted(wanted.mounts - mounts)]
    found += [f"mounts {mount}, which is not declared" for mount in sorted(mounts - wanted.mounts)]
    return found


def _same(wanted: Port, live: Port) -> bool:
    return wanted[:3] == live[:3] and wanted.host in (0, live.host)


def _parts(document: Config, nodes: t.Sequence[Node]) -> dict[str, str]:
    shown = {"kind", "apiVersion", "name", "nodes"}
    parts = {key: _digest(value) for key, value in document.items() if key not in shown and value}
    for node, given in zip(nodes, document["nodes"], strict=False):  # the balancer, at the end, is nobody's to declare
        parts |= {f"{node.name}.{key}": _digest(value) for key, value in given.items() if key not in _SEEN and value}
    return parts


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
