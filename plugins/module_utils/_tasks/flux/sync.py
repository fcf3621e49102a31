# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module flux_sync: the sync manifests of a bootstrapped Flux, rendered, and in a cluster.

In the repository the manifests are Flux's own business. In the cluster they are written only where they are missing, or
where Flux would look in the wrong place: all else it takes from the repository, with whatever patches are there.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.declare import sync as flux_sync
from ..._kube.apply import Planner, Rule, Step
from ..._kube.errors import GITOPS, Conflict
from .._case import Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.declare.sync import Sync
    from ..._kube.client import KubeClient, Object
    from ..._shared.errors import GitopsError


@dataclass(frozen=True)
class Plan:
    """The steps in a cluster; none where the manifests are only rendered."""

    steps: tuple[Step, ...] = ()
    blocked: GitopsError | None = None

    @property
    def acting(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.acting)


class FluxSync:
    """The use-case. Without a cluster it only renders. `force_path` moves a sync to another path of the repository.

    What is applied here was committed just now: Flux's own claim on these fields is to the same end, so it gives way.
    """

    def __init__(self, sync: Sync, client: KubeClient | None, *, force_path: bool = False, force: bool = False) -> None:
        self._sync = sync
        self._force_path = force_path
        self._planner = Planner(client, Rule(force=force, allies=GITOPS, same=_leads_to_the_same)) if client else None

    def plan(self) -> Plan:
        """Raises KubeError's kinds; Conflict where another path is synced."""
        if self._planner is None:
            return Plan()
        steps = tuple(self._planner.plan(flux_sync.manifests(self._sync)))
        for step in steps:
            self._check_path(step)
        return Plan(steps, next((step.blocked for step in steps if step.blocked), None))

    def predict(self, plan: Plan) -> Outcome:
        """What would change; a warning for what stops a run."""
        blocked = would_fail(plan.blocked)
        return self._outcome(plan, blocked)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds."""
        if plan.blocked:
            raise plan.blocked
        if self._planner is not None:
            self._planner.carry_out(plan.acting)
        return self._outcome(plan, [])

    def _check_path(self, step: Step) -> None:
        if step.change != "updated" or step.manifest is None or step.before is None:
            return
        now, wanted = flux_sync.essence(step.before), flux_sync.essence(step.manifest)
        if now.get("path") != wanted.get("path") and not self._force_path:
            raise Conflict(
                f"path: {step.id} applies ./{now.get('path')}, not ./{wanted.get('path')}: what Flux applied from "
                "there would be removed from the cluster; set force_path to move it"
            )

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


def _leads_to_the_same(live: Object, after: Object) -> bool:
    return flux_sync.essence(live) == flux_sync.essence(after)
