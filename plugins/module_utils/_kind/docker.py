# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the docker program that use-cases need. kind itself works through the same program."""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import dataclass, field

from .._shared.process import Result
from . import command
from .errors import DockerUnavailable, KindError

# Source: kind, pkg/cluster/internal/providers/docker/constants.go.
CLUSTER_LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"

_QUICK_SECONDS = 60.0
_HINTS = (
    ("permission denied", "add this user to the group docker, or run the task with become"),
    ("cannot connect", "start it (systemctl start docker), or name it with DOCKER_HOST"),
)


class Port(t.NamedTuple):
    """A published port: `address` and `host` (a port, 0 for any) of the machine, `container` and `protocol` inside."""

    container: int
    protocol: str
    address: str
    host: int

    def __str__(self) -> str:
        return f"{self.address}:{self.host or 'any'} to {self.container}/{self.protocol}"


class Mount(t.NamedTuple):
    """A directory of the machine inside a container."""

    source: str
    target: str
    read_only: bool

    def __str__(self) -> str:
        return f"{self.source} at {self.target}{' (read-only)' if self.read_only else ''}"


@dataclass(frozen=True)
class Container:
    """A container as `docker inspect` shows it. `image` is the name it was made with, `image_id` what that was."""

    name: str
    image: str
    image_id: str
    running: bool
    status: str
    labels: t.Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[Port] = frozenset()
    mounts: frozenset[Mount] = frozenset()
    networks: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """`control-plane`, `worker` or `external-load-balancer`, as kind labels it; empty for what is no node."""
        return self.labels.get(ROLE_LABEL, "")


class Docker:
    """One Docker daemon, as the docker program of this user reaches it. Methods raise KindError's kinds."""

    def check(self) -> None:
        """DockerUnavailable unless there is a program and a daemon that answers."""
        if shutil.which("docker") is None:
            raise DockerUnavailable("the program docker is not on PATH: install Docker first (package docker.io)")
        result = self._run("version", "--format", "{{.Server.Version}}")
        if result.exit_code != 0:
            said = result.reason.lower()
            advice = next((hint for text, hint in _HINTS if text in said), "is it running?")
            reason = result.reason.removesuffix("Is the docker daemon running?").rstrip(" .")
            raise DockerUnavailable(f"the Docker daemon does not answer: {reason}; {advice}")

    def nodes(self, cluster: str) -> list[Container]:
        """The containers of a kind cluster, running or not, by name."""
        listed = self._ok("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={CLUSTER_LABEL}={cluster}")
        names = listed.stdout.decode().split()
        return sorted(self._inspect(names), key=lambda one: one.name) if names else []

    def container(self, name: str) -> Container | None:
        """The container of that very name."""
        result = self._run("container", "inspect", name)
        if result.exit_code != 0:
            if "no such" in result.stderr.lower():
                return None
            raise self._failed(("container", "inspect", name), result)
        found = _containers(result.stdout)
        return next((one for one in found if one.name == name), None)

    def image_id(self, image: str) -> str | None:
        """The ID of an image that is on this machine."""
        result = self._run("image", "inspect", "--format", "{{.Id}}", image)
        return result.stdout.decode().strip() if result.exit_code == 0 else None

    def start(self, *names: str) -> None:
        self._ok("start", *names)

    def remove(self, *names: str) -> None:
        """With their anonymous volumes, as kind does it."""
        self._ok("rm", "--force", "--volumes", *names, timeout=180)

    def run(self, *arguments: str, timeout: float) -> Result:
        """`docker run --detach …`, whatever its end."""
        return self._run("run", "--detach", *arguments, timeout=timeout)

    def connect(self, network: str, name: str) -> None:
        self._ok("network", "connect", network, name)

    def execute(self, name: str, *arguments: str, stdin: bytes = b"", timeout: float = 30.0) -> Result:
        """A command inside a container, whatever its end."""
        return self._run("exec", "--interactive", name, *arguments, stdin=stdin, timeout=timeout)

    def _inspect(self, names: t.Sequence[str]) -> list[Container]:
        return _containers(self._ok("container", "inspect", *names).stdout)

    def _ok(self, *arguments: str, timeout: float = _QUICK_SECONDS) -> Result:
        result = self._run(*arguments, timeout=timeout)
        if result.exit_code != 0:
            raise self._failed(arguments, result)
        return result

    def _failed(self, arguments: t.Sequence[str], result: Result) -> KindError:
        what = f"docker {' '.join(arguments[:2])}"
        reason = "no answer in time" if result.timed_out else result.reason
        return KindError(f"{what} failed: {reason}", command=what, exit_code=result.exit_code)

    def _run(self, *arguments: str, stdin: bytes = b"", timeout: float = _QUICK_SECONDS) -> Result:
        return command.run(("docker", *arguments), stdin=stdin, timeout=timeout)


def _containers(output: bytes) -> list[Container]:
    try:
        return [_container(one) for one in json.loads(output)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KindError(f"docker inspect gives something unknown ({type(error).__name__})") from None


def _container(value: t.Mapping[str, t.Any]) -> Container:
    config, host, state = value["Config"], value["HostConfig"], value["State"]
    ports = {
        Port(int(inside.partition("/")[0]), inside.partition("/")[2] or "tcp", one["HostIp"], int(one["HostPort"] or 0))
        for inside, published in (host.get("PortBindings") or {}).items()
        for one in published or []
    }
    mounts = {
        Mount(one["Source"], one["Destination"], not one["RW"])
        for one in value.get("Mounts") or []
        if one.get("Type") == "bind"
    }
    return Container(
        name=value["Name"].lstrip("/"),
        image=config["Image"],
        image_id=value["Image"],
        running=state["Status"] == "running",
        status=state["Status"],
        labels=config.get("Labels") or {},
        ports=frozenset(ports),
        mounts=frozenset(mounts),
        networks=tuple(sorted(value["NetworkSettings"]["Networks"])),
    )
