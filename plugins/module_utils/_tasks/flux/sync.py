# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module flux_sync: the sync manifests of a bootstrapped Flux, rendered, and in a cluster.

In the repository the manifests are Flux's own business. In the cluster they are written only where they are missing, or
where Flux would look in the wrong place: all else it takes from the repository, with whatever patches are there.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..._flux.declare import sync as flux_sync
from ..._flux.declare.install_manifests import ObjectId
from ..._kube.errors import Conflict
from .._case import Outcome
from .kube_objects import KubeObjects, Step

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.declare.sync import Sync
    from ..._kube.cluster import KubeCluster
    from ..._shared.errors import GitopsError


@dataclass(frozen=True)
class Plan:
    """The steps in a cluster; none where the manifests are only rendered."""

    steps: tuple[Step, ...] = ()
    blocked: GitopsError | None = None

    @property
    def acting(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.change != "unchanged")


class FluxSync:
    """The use-case. Without a cluster it only renders. `force` moves a sync to another path of the repository."""

    def __init__(self, sync: Sync, cluster: KubeCluster | None, *, force: bool = False) -> None:
        self._sync = sync
        self._force = force
        # What is applied here was committed just now: Flux's own claim on these fields is to the same end.
        self._objects = KubeObjects(cluster, force=True) if cluster else None

    def plan(self) -> Plan:
        """Raises KubeError's kinds; Conflict where another path is synced."""
        if self._objects is None:
            return Plan()
        steps = tuple(self._step(self._objects, one) for one in self._objects.plan(flux_sync.manifests(self._sync)))
        return Plan(steps, next((step.blocked for step in steps if step.blocked), None))

    def predict(self, plan: Plan) -> Outcome:
        blocked = [f"a run would fail now: {plan.blocked.message}"] if plan.blocked else []
        return self._outcome(plan, blocked)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds."""
        if plan.blocked:
            raise plan.blocked
        if self._objects is not None:
            self._objects.carry_out(plan.acting)
        return self._outcome(plan, [])

    def _step(self, objects: KubeObjects, step: Step) -> Step:
        if step.change != "updated" or step.manifest is None:
            return step
        live = objects.live(ObjectId.of(step.manifest)) or {}
        now, wanted = flux_sync.essence({**live, "kind": step.id.kind}), flux_sync.essence(step.manifest)
        if now == wanted:
            return replace(step, change="unchanged")
        if now.get("path") != wanted.get("path") and not self._force:
            raise Conflict(
                f"path: {step.id} applies ./{now.get('path')}, not ./{wanted.get('path')}: what Flux applied from "
                "there would be removed from the cluster; set force_path to move it"
            )
        return step

    def _outcome(self, plan: Plan, warnings: list[str]) -> Outcome:
        files = flux_sync.files(self._sync)
        return Outcome(
            changed=bool(plan.acting),
            values={
                "manifests": flux_sync.manifests(self._sync),
                "directory": self._sync.directory,
                "files": [{"path": path, "content": content} for path, content in files.items()],
                "resources": [step.as_value() for step in plan.steps],
            },
            actions=[step.action for step in plan.acting],
            diff=[step.diff for step in plan.acting],
            warnings=warnings,
        )
