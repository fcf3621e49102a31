# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry beside a kind cluster: how its nodes find it, and how a cluster says that it has one.

Sources: kind's guide "Local Registry"; containerd, docs/hosts.md; KEP-1755 (the ConfigMap local-registry-hosting).
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from .._shared.errors import InvalidOption
from .docker import Container, Port

LABEL = "gitops.proven.registry"
INNER_PORT = 5000
CERTS_DIRECTORY = "/etc/containerd/certs.d"
_HELP = "https://kind.sigs.k8s.io/docs/user/local-registry/"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")  # a host name, too: it is how the nodes call it


@dataclass(frozen=True)
class Declared:
    """The container that is to be. `port` is the one on `address`, an IP address of this machine."""

    name: str
    image: str
    port: int
    address: str = "127.0.0.1"

    def check(self) -> None:
        """Raise InvalidOption for what Docker or the nodes would not take."""
        if not _NAME.fullmatch(self.name):
            raise InvalidOption("name", f"{self.name!r} is not a host name of lower-case letters, digits, '.' and '-'")
        if not 0 < self.port < 2**16:
            raise InvalidOption("port", f"{self.port} is not between 1 and 65535")

    @property
    def published(self) -> Port:
        return Port(INNER_PORT, "tcp", self.address, self.port)

    @property
    def cluster_address(self) -> str:
        """By which nodes and pods reach it."""
        return f"{self.name}:{INNER_PORT}"

    @property
    def host_address(self) -> str:
        """By which this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def run_arguments(self, network: str) -> list[str]:
        """For `docker run`: it comes back with the daemon, as the cluster's nodes do."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        published = f"{host}:{self.port}:{INNER_PORT}"
        identity = ["--name", self.name, "--label", f"{LABEL}=true", "--network", network]
        return [*identity, "--restart", "always", "--publish", published, self.image]

    def hosts_files(self) -> dict[str, bytes]:
        """Files in each node, by their path: containerd asks this registry for what an image calls any of its names."""
        content = f'[host."http://{self.cluster_address}"]\n  capabilities = ["pull", "resolve"]\n'.encode()
        names = [f"localhost:{self.port}", f"127.0.0.1:{self.port}", self.cluster_address]
        return {f"{CERTS_DIRECTORY}/{name}/hosts.toml": content for name in names}

    def config_map(self) -> dict[str, t.Any]:
        """What tells tools such as Tilt where to push. JSON is YAML."""
        hosting = {
            "host": f"localhost:{self.port}",
            "hostFromClusterNetwork": self.cluster_address,
            "hostFromContainerRuntime": self.cluster_address,
            "help": _HELP,
        }
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-registry-hosting", "namespace": "kube-public"},
            "data": {"localRegistryHosting.v1": json.dumps(hosting, indent=2) + "\n"},
        }

    def difference(self, live: Container, image_id: str | None) -> list[str]:
        """How a container of this name differs, a sentence each; `image_id` is the declared image's, where known."""
        found = []
        if self.image != live.image and image_id != live.image_id:
            found.append(f"its image is {live.image}, not {self.image}")
        if live.ports != {self.published}:
            shown = ", ".join(str(port) for port in sorted(live.ports)) or "nothing"
            found.append(f"publishes {shown}, not {self.published}")
        return found
