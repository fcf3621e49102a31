# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module kind_registry: a registry in a container beside a kind cluster, known to its nodes."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass

from ..._kind.config import BALANCER, check_name
from ..._kind.errors import CreationFailed, Drift, ForeignContainer, KindError, NotReady
from ..._kind.registry import CERTS_DIRECTORY, LABEL
from ..._registry.locks import exclusive
from ..._shared.base64 import decode
from ..._shared.errors import InvalidOption
from ..._shared.waiter import Sight, Waiter
from .._case import QUIET, Outcome, would_fail
from . import registry_process
from .kind_nodes import KUBECTL, control_plane

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kind.docker import Container, Docker
    from ..._kind.registry import Declared
    from ..._shared.errors import GitopsError
    from .._case import Progress

_PAUSE = 0.2
_RUN_SECONDS = 600.0
_CONFIG = "/etc/containerd/config.toml"
# With paths as arguments. To start a program in a node takes its time, so that each speaks of all of them.
_READ = 'for path; do if [ -f "$path" ]; then echo "$path $(base64 -w 0 <"$path")"; fi; done'
_WRITE = 'for path; do mkdir -p "${path%/*}" || exit; done; tee "$@" >/dev/null'


@dataclass(frozen=True)
class Wanted:
    """The options. `state` is `present` or `absent`; `wait_timeout` in seconds."""

    registry: Declared
    cluster: str
    state: str = "present"
    on_drift: str = "fail"
    wait_timeout: float = 60


@dataclass(frozen=True)
class Plan:
    """What is there, and what is to be done: `steps` in their order, files missing in (or left in) nodes among them."""

    container: Container | None
    nodes: tuple[Container, ...]
    steps: tuple[tuple[str, str], ...]  # the step, and what it is about
    drift: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    blocked: GitopsError | None = None


class KindRegistry:
    """The use-case. A container that somebody else made is used where it is as declared, and never removed."""

    def __init__(self, wanted: Wanted, docker: Docker, progress: Progress = QUIET) -> None:
        self._wanted = wanted
        self._registry = wanted.registry
        self._docker = docker
        self._progress = progress

    def plan(self) -> Plan:
        """Raises InvalidOption, DockerUnavailable, Drift and ForeignContainer."""
        self._registry.check()
        check_name(self._wanted.cluster, "cluster")
        if self._wanted.wait_timeout <= 0:
            raise InvalidOption("wait_timeout", "is not a positive number of seconds")
        self._docker.check()
        return self._present() if self._wanted.state == "present" else self._absent()

    def predict(self, plan: Plan) -> Outcome:
        """What would be run or removed; a warning for what stops a run."""
        blocked = would_fail(plan.blocked)
        return self._outcome(plan, blocked)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KindError's kinds."""
        if plan.blocked:
            raise plan.blocked
        if plan.steps:
            with exclusive(f"kind registry {self._registry.name}"):
                plan = self._present() if self._wanted.state == "present" else self._absent()
                for step, about in plan.steps:
                    self._carry_out(step, about, plan)
        if self._wanted.state == "present":
            self._wait()
        return self._outcome(plan, [])

    # -- planning

    def _present(self) -> Plan:
        name = self._registry.name
        live, nodes = self._docker.container(name), self._nodes()
        if not nodes:
            steps = (
                (("run", name), ("hosts", "all nodes"), ("config", "")) if live is None else (("hosts", "all nodes"),)
            )
            blocked = KindError(f"there is no kind cluster {self._wanted.cluster}: make it first")
            return Plan(live, (), steps, blocked=blocked)
        network = _network(nodes)
        found: list[tuple[str, str]] = []
        if live is None:
            found.append(("run", name))
        else:
            found += [("start", name)] if not live.running else []
            found += [("connect", network)] if network not in live.networks else []
        stopped = [one.name for one in nodes if not one.running]
        if stopped:
            raise KindError(f"{', '.join(stopped)}: stopped; the module kind_cluster starts them")
        files = {node.name: self._files(node.name) for node in nodes}
        wanted = self._registry.hosts_files().items()
        found += [("hosts", node) for node, there in files.items() if not wanted <= there.items()]
        found += [] if self._config_map_is_current(nodes) else [("config", "")]
        return Plan(live, nodes, tuple(found), self._drift(live), _warnings(nodes[0].name, files[nodes[0].name]))

    def _absent(self) -> Plan:
        name = self._registry.name
        live = self._docker.container(name)
        nodes = tuple(node for node in self._nodes() if node.running)
        if live is not None and LABEL not in live.labels:
            raise ForeignContainer(
                f"name: the container {name} was not made by this module, and what it stores may be somebody's: remove "
                f"it with `docker rm -f {name}`"
            )
        found = [("remove", name)] if live else []
        found += [("forget", node.name) for node in nodes if self._files(node.name).keys() - {_CONFIG}]
        if nodes and self._config_map(nodes) == self._registry.config_map()["data"]:
            found.append(("unset", ""))
        return Plan(live, nodes, tuple(found))

    def _nodes(self) -> tuple[Container, ...]:
        return tuple(one for one in self._docker.nodes(self._wanted.cluster) if one.role != BALANCER)

    def _drift(self, live: Container | None) -> tuple[str, ...]:
        if live is None:
            return ()
        found = self._registry.difference(live, self._docker.image_id(self._registry.image))
        if found and self._wanted.on_drift == "fail":
            raise Drift(
                f"{live.name}: the container is not what is declared: {'; '.join(found)}. Removing it with "
                "state=absent and running again makes it anew, and loses what it stores",
                drift=found,
            )
        return tuple(found)

    def _files(self, node: str) -> dict[str, bytes]:
        """Of a node: those of our files that it has, and containerd's configuration."""
        result = self._docker.execute(node, "sh", "-c", _READ, "sh", *self._registry.hosts_files(), _CONFIG)
        if result.exit_code != 0:
            raise KindError(f"{node}: its files cannot be read: {result.reason}", exit_code=result.exit_code)
        try:
            lines = (line.split(" ") for line in result.stdout.decode().splitlines())
            return {path: decode(content) for path, content in lines}
        except ValueError:
            raise KindError(f"{node}: its shell says something unknown of its files") from None

    def _config_map_is_current(self, nodes: t.Sequence[Container]) -> bool:
        return bool(self._config_map(nodes) == self._registry.config_map()["data"])

    def _config_map(self, nodes: t.Sequence[Container]) -> t.Any:
        plane = control_plane(nodes)
        what = ("get", "configmap", "local-registry-hosting", "--namespace=kube-public", "--output=json")
        result = self._docker.execute(plane.name, *KUBECTL, *what) if plane else None
        if result is None or result.exit_code != 0:
            return None
        return json.loads(result.stdout).get("data")

    # -- carrying out

    def _carry_out(self, step: str, about: str, plan: Plan) -> None:
        if step == "run":
            self._run(_network(plan.nodes))
        elif step == "start":
            self._docker.start(about)
        elif step == "connect":
            self._docker.connect(about, self._registry.name)
        elif step == "remove":
            self._docker.remove(about)
        elif step in ("hosts", "forget"):
            self._write_hosts(about, present=step == "hosts")
        else:
            self._write_config_map(plan.nodes, present=step == "config")

    def _run(self, network: str) -> None:
        self._progress.start("started", 1, "registries")
        self._progress.waiting(f"Docker to run {self._registry.image}", "", 0, _RUN_SECONDS)
        result = self._docker.run(*self._registry.run_arguments(network), timeout=_RUN_SECONDS)
        if result.exit_code == 0:
            return
        made = self._docker.container(self._registry.name)
        if made is not None and LABEL in made.labels:  # a port that is taken is found after the container was made
            self._docker.remove(made.name)
        raise CreationFailed(f"{self._registry.name}: Docker cannot run {self._registry.image}: {result.reason}")

    def _write_hosts(self, node: str, *, present: bool) -> None:
        files = self._registry.hosts_files()
        if not present:
            self._inside(node, ("rm", "-rf", *map(os.path.dirname, files)))
        for content in set(files.values()) if present else ():
            paths = [path for path, one in files.items() if one == content]
            self._inside(node, ("sh", "-c", _WRITE, "sh", *paths), content)

    def _write_config_map(self, nodes: t.Sequence[Container], *, present: bool) -> None:
        plane = control_plane(nodes)
        if plane is None:
            return
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=proven.gitops")
        verb = apply if present else ("delete", "--ignore-not-found")
        self._inside(plane.name, (*KUBECTL, *verb, "--filename=-"), json.dumps(self._registry.config_map()).encode())

    def _inside(self, node: str, arguments: tuple[str, ...], stdin: bytes = b"") -> None:
        result = self._docker.execute(node, *arguments, stdin=stdin)
        if result.exit_code != 0:
            raise KindError(f"{node}: {arguments[0]} failed: {result.reason}", exit_code=result.exit_code)

    def _wait(self) -> None:
        """Until it answers on this machine; a daemon elsewhere publishes its port there."""
        if os.environ.get("DOCKER_HOST", "unix:").partition(":")[0] not in ("unix", ""):
            return

        def look() -> Sight[None]:
            return Sight(None, done=registry_process.answers(self._registry.address, self._registry.port))

        if not Waiter(self._wanted.wait_timeout, pause=_PAUSE).until(look).done:
            raise NotReady(
                f"{self._registry.name}: no answer at {self._registry.host_address} after "
                f"{self._wanted.wait_timeout:g} s; see `docker logs {self._registry.name}`"
            )

    # -- telling

    def _outcome(self, plan: Plan, warnings: list[str]) -> Outcome:
        name = self._registry.name
        said = {
            "run": f"run {self._registry.image} as",
            "start": "start",
            "connect": f"connect {name} to the network",
            "hosts": f"tell containerd of {name} in",
            "config": "write the ConfigMap kube-public/local-registry-hosting",
            "remove": "remove",
            "forget": f"remove {name} from containerd in",
            "unset": "remove the ConfigMap kube-public/local-registry-hosting",
        }
        actions = [f"{said[step]} {about}".strip() for step, about in plan.steps]
        before = plan.container.status if plan.container else "absent"
        after = "running" if self._wanted.state == "present" else "absent"
        return Outcome(
            changed=bool(plan.steps),
            values={
                "name": name,
                "state": self._wanted.state,
                "address": self._registry.host_address,
                "cluster_address": self._registry.cluster_address,
                "drift": list(plan.drift),
            },
            actions=actions,
            diff={
                "before": f"{before}\n" + "".join(f"still to do: {action}\n" for action in actions),
                "after": f"{after}\n",
                "before_header": name,
                "after_header": name,
            },
            warnings=[*warnings, *plan.warnings, *(f"{name}: {text}" for text in plan.drift)],
        )


def _warnings(plane: str, files: t.Mapping[str, bytes]) -> tuple[str, ...]:
    """Nodes that were made before kind 0.27 read no such files, unless their configuration says so."""
    if b"certs.d" in files.get(_CONFIG, b"certs.d"):
        return ()
    advice = "set config_path in the cluster's containerdConfigPatches, see kind's guide to local registries"
    return (f"{plane}: its containerd does not read {CERTS_DIRECTORY}: to pull through this registry, {advice}",)


def _network(nodes: t.Sequence[Container]) -> str:
    return next((network for node in nodes for network in node.networks), "kind")
