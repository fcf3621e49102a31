# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module kind_cluster: a Kubernetes cluster in containers, made by kind, or none.

A cluster is never changed: kind cannot. What differs from the declaration is reported. What was begun and not finished
is told by a mark beside the kubeconfig, and made anew; nothing else is ever removed.
"""

from __future__ import annotations

import json
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..._kind import config as kind_config
from ..._kind.errors import CreationFailed, Drift, HalfMade, NotReady
from ..._registry.locks import exclusive
from ..._shared.errors import InvalidOption
from .._case import QUIET, Outcome, would_fail
from . import kind_nodes
from .kind_kubeconfig import Kubeconfig

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kind.config import Declared
    from ..._kind.docker import Container, Docker
    from ..._kind.kind import Kind
    from ..._shared.errors import GitopsError
    from .._case import Progress

Step = t.Literal["remove", "create", "start", "kubeconfig"]


@dataclass(frozen=True)
class Wanted:
    """The options. `state` is `present` or `absent`; times are in seconds."""

    name: str
    kubeconfig: Path
    state: str = "present"
    config: t.Mapping[str, t.Any] = field(default_factory=dict)
    image: str | None = None
    on_drift: str = "fail"
    wait: bool = True
    wait_timeout: float = 300
    create_timeout: float = 900


@dataclass(frozen=True)
class Plan:
    """What is there, and the steps to what shall be, in their order. `blocked` is why a run would fail now."""

    steps: tuple[Step, ...] = ()
    live: tuple[Container, ...] = ()
    drift: tuple[str, ...] = ()
    blocked: GitopsError | None = None


class KindCluster:
    """The use-case. A change holds the cluster's lock, and plans again under it: tasks may run in parallel."""

    def __init__(self, wanted: Wanted, docker: Docker, kind: Kind, progress: Progress = QUIET) -> None:
        self._wanted = wanted
        self._docker = docker
        self._kind = kind
        self._progress = progress
        self._kubeconfig = Kubeconfig(wanted.kubeconfig, wanted.name)
        self._declared: Declared | None = None

    def plan(self) -> Plan:
        """Raises InvalidOption, DockerUnavailable, KindMissing, HalfMade and Drift."""
        kind_config.check_name(self._wanted.name)
        if self._wanted.state == "present":
            for option, seconds in (
                ("wait_timeout", self._wanted.wait_timeout),
                ("create_timeout", self._wanted.create_timeout),
            ):
                if seconds <= 0:
                    raise InvalidOption(option, "is not a positive number of seconds")
            self._declared = kind_config.declare(self._wanted.name, self._wanted.config, self._wanted.image)
        self._kubeconfig.check()
        self._docker.check()
        return self._plan()

    def predict(self, plan: Plan) -> Outcome:
        """What would be made or removed; a warning for what stops a run."""
        warnings = would_fail(plan.blocked)
        return self._outcome(plan, plan.live, warnings)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KindError's kinds."""
        if plan.blocked:
            raise plan.blocked
        live = plan.live
        if plan.steps:
            with exclusive(f"kind cluster {self._wanted.name}"):
                plan = self._plan()
                self._carry_out(plan)
                live = tuple(self._docker.nodes(self._wanted.name))
        outcome = self._outcome(plan, live, [])
        if self._wanted.state == "present" and self._wanted.wait:
            found = kind_nodes.wait_until_ready(self._docker, live, self._wanted.wait_timeout, self._progress)
            if found.waiting:
                outcome.failure = NotReady(
                    f"{self._wanted.name}: not ready after {self._wanted.wait_timeout:g} s: {found}",
                    nodes=dict(found.waiting),
                )
        return outcome

    # -- planning

    def _plan(self) -> Plan:
        live = tuple(self._docker.nodes(self._wanted.name))
        if self._declared is None:
            file: tuple[Step, ...] = ("kubeconfig",) if self._kubeconfig.exists else ()
            return Plan((*(("remove",) if live else ()), *file), live)
        missing = self._kind.missing()
        if not live:
            return Plan(("create", "kubeconfig"), blocked=missing)
        if self._kubeconfig.marked:
            return Plan(("remove", "create", "kubeconfig"), live, blocked=missing)
        steps: tuple[Step, ...] = ("start",) if any(not one.running for one in live) else ()
        if not steps and not missing:  # an earlier task may be going to install it
            steps = self._kubeconfig_step(live)
        return Plan(steps, live, self._drift(self._declared, live), missing)

    def _kubeconfig_step(self, live: tuple[Container, ...]) -> tuple[Step, ...]:
        content = self._kind.kubeconfig(self._wanted.name) if kind_nodes.control_plane(live) else None
        if content is None:
            raise HalfMade(
                f"{self._wanted.name}: its containers ({', '.join(one.name for one in live)}) run, and there is no "
                "cluster in them. Either somebody is making it right now, so wait; or that was broken off, so remove "
                "it with state=absent and run again"
            )
        return () if self._kubeconfig.is_current(content) else ("kubeconfig",)

    def _drift(self, declared: Declared, live: tuple[Container, ...]) -> tuple[str, ...]:
        images = {node.image: self._docker.image_id(node.image) for node in declared.nodes if node.image}
        found = kind_config.difference(declared, live, images)
        plane = kind_nodes.control_plane(live)
        recorded = kind_nodes.read_record(self._docker, plane.name) if plane and plane.running else None
        if recorded is not None:
            found += kind_config.record_difference(declared, recorded)
        if found and self._wanted.on_drift == "fail":
            raise Drift(
                f"{self._wanted.name}: what runs is not what is declared, and a running cluster cannot be changed. "
                f"Remove it with state=absent to have it made anew, or change the declaration: {'; '.join(found)}",
                drift=found,
            )
        return tuple(found)

    # -- carrying out

    def _carry_out(self, plan: Plan) -> None:
        names = [one.name for one in plan.live]
        if "remove" in plan.steps:
            self._docker.remove(*names)
        if self._declared is None:
            self._kubeconfig.remove()
            self._kubeconfig.unmark()
            return
        if "create" in plan.steps:
            self._create(self._declared)
        if "start" in plan.steps:
            self._docker.start(*(one.name for one in plan.live if not one.running))
        if plan.steps:
            self._write_kubeconfig()
        self._kubeconfig.unmark()

    def _create(self, declared: Declared) -> None:
        self._kubeconfig.mark()
        self._progress.start("created", 1, "clusters")
        self._progress.waiting(f"kind to create {self._wanted.name}", "", 0, self._wanted.create_timeout)
        try:
            with tempfile.TemporaryDirectory() as private:
                self._kind.create(
                    self._wanted.name, declared.encoded, f"{private}/kubeconfig", self._wanted.create_timeout
                )
        except CreationFailed:
            left = [one.name for one in self._docker.nodes(self._wanted.name)]
            if left:  # kind removes them itself, unless it was stopped
                self._docker.remove(*left)
            self._kubeconfig.unmark()
            raise
        kind_nodes.write_record(self._docker, declared.control_plane, declared.parts)

    def _write_kubeconfig(self) -> None:
        content = self._kind.kubeconfig(self._wanted.name)
        if content is None:
            raise HalfMade(f"{self._wanted.name}: kind gives no kubeconfig: remove it with state=absent and run again")
        if not self._kubeconfig.is_current(content):
            self._kubeconfig.write(content)

    # -- telling

    def _outcome(self, plan: Plan, live: tuple[Container, ...], warnings: list[str]) -> Outcome:
        present = self._wanted.state == "present"
        made = [{"name": one.name, "role": one.role, "image": one.image, "status": one.status} for one in live]
        declared = self._declared.nodes if self._declared else ()
        planned = [{"name": one.name, "role": one.role, "image": one.image, "status": "planned"} for one in declared]
        nodes = (made or planned) if present else []
        return Outcome(
            changed=bool(plan.steps),
            values={
                "name": self._wanted.name,
                "state": self._wanted.state,
                "kubeconfig": str(self._wanted.kubeconfig),
                "context": self._kubeconfig.context,
                "network": next((network for one in live for network in one.networks), None) if present else None,
                "nodes": nodes,
                "drift": list(plan.drift),
            },
            actions=[self._action(step, plan) for step in plan.steps],
            diff=self._diff(plan),
            warnings=[*warnings, *(f"{self._wanted.name}: {text}" for text in plan.drift)],
        )

    def _action(self, step: Step, plan: Plan) -> str:
        verb = "remove" if self._declared is None else "write"
        said = {
            "remove": f"remove {', '.join(one.name for one in plan.live)}",
            "create": f"create cluster {self._wanted.name}",
            "start": f"start {', '.join(one.name for one in plan.live if not one.running)}",
            "kubeconfig": f"{verb} {self._wanted.kubeconfig}",
        }
        return said[step]

    def _diff(self, plan: Plan) -> dict[str, str]:
        before = {one.name: {"image": one.image, "status": one.status} for one in plan.live}
        after: dict[str, t.Any] = before
        if self._declared is None:
            after = {}
        elif "create" in plan.steps:
            after = {one.name: {"image": one.image, "status": "running"} for one in self._declared.nodes}
        elif "start" in plan.steps:
            after = {name: {**one, "status": "running"} for name, one in before.items()}
        header = f"kind cluster {self._wanted.name}"
        return {"before": _text(before), "after": _text(after), "before_header": header, "after_header": header}


def _text(value: t.Mapping[str, t.Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n" if value else ""
