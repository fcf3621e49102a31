# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared source in a cluster, by server-side apply. Nothing is applied before the server has tried all objects."""

from __future__ import annotations

import typing as t

from ..._kube.apply import Planner, Rule, Step
from ..._kube.client import FIELD_MANAGER, KubeClient
from ..._kube.errors import Conflict
from ..._kube.objects import foreign_fields
from .source import Plan

if t.TYPE_CHECKING:  # pragma: no cover
    from .source import Wanted

# What the API server fills in itself where a CRD says so.
DEFAULTS: t.Mapping[tuple[str, ...], object] = {("provider",): "generic", ("timeout",): "60s", ("force",): False}
# Fields whose presence changes what is verified, whoever set them.
_STRENGTH = ("spec.verify", "spec.ref", "spec.insecure")


class ClusterTarget:
    """One cluster. `force` takes fields over from other field managers."""

    name = "cluster"

    def __init__(self, client: KubeClient, *, force: bool = False) -> None:
        self._client = client
        self._planner = Planner(client, Rule(force=force, claim=True))

    def plan(self, wanted: Wanted) -> Plan:
        """Read, and let the server try. Raises KubeError's kinds; what an earlier task may yet provide only blocks."""
        if wanted.manifests:
            steps = self._planner.plan(wanted.manifests)
        else:
            steps = [self._planner.removal(key, self._planner.live(key)) for key in wanted.names]
        warnings = [warning for step in steps for warning in self._foreign(step)]
        acting = [step for step in steps if step.acting]
        if not wanted.manifests:  # the Kustomization goes first: it still cleans up by what its source gave it
            acting.reverse()
        return Plan(
            changes=tuple((step.id, step.change) for step in steps),
            changed=bool(acting),
            actions=tuple(step.action for step in acting),
            diff=tuple(step.diff for step in acting),
            warnings=tuple(warnings),
            blocked=next((step.blocked for step in steps if step.blocked), None),
            details=acting,
        )

    def apply(self, plan: Plan) -> None:
        """Apply or delete the objects. Raises KubeError's kinds."""
        self._planner.carry_out(t.cast("list[Step]", plan.details))

    def _foreign(self, step: Step) -> list[str]:
        """What others add to what is declared, in words. Raises Conflict where it changes what Flux verifies."""
        if step.manifest is None or step.after is None:
            return []
        foreign = foreign_fields(step.after, step.manifest, FIELD_MANAGER, DEFAULTS)
        bad = {path: manager for path, manager in foreign.items() if weakened(path)}
        if bad:
            listing = ", ".join(f"{path} (by {manager})" for path, manager in sorted(bad.items()))
            raise Conflict(
                f"{step.id}: others also set {listing}, which changes what Flux verifies: remove it there first",
                host=self._client.host,
                fields=bad,
            )
        return [f"{step.id}: {path} is set by {name}, and stays as it is" for path, name in sorted(foreign.items())]


def weakened(path: str) -> bool:
    """Whether a field that others set changes what Flux would verify."""
    return any(path == field or path.startswith(f"{field}.") for field in _STRENGTH)
