# SPDX-License-Identifier: GPL-3.0-or-later
"""Take Flux out of a cluster as `flux uninstall` does it; what it has applied stays.

Source: flux2, pkg/uninstall/uninstall.go. The controllers go first, so that nobody prunes what the objects applied;
then finalizers, on which nobody would act any more; then the definitions with all objects, and the namespace.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.declare.install_manifests import DEFINITION, INSTANCE, PART_OF, SYNCED_BY, Manifest, rank
from ..._kube.apply import Planner, Step
from ..._kube.client import Object
from ..._kube.errors import NotInstalled
from ..._kube.objects import labels_of, metadata_of
from ..._kube.readiness import NotReady, Waiting
from ..._shared.errors import InvalidOption
from ..._shared.object_id import ObjectId
from ..._shared.shapes import at, mappings, text
from .._case import QUIET, Outcome
from .components import MARK, check_owner, version_of

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kube.client import KubeClient
    from .._case import Progress

_RBAC = "rbac.authorization.k8s.io/v1"
# In this order; those in the namespace of Flux first, then those of the cluster.
_NAMESPACED = (
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "ServiceAccount"),
    ("v1", "ResourceQuota"),
)
_CLUSTER = ((_RBAC, "ClusterRole"), (_RBAC, "ClusterRoleBinding"))
_SELECTOR = f"{PART_OF}=flux"


@dataclass(frozen=True)
class Wanted:
    """The options. `manifests` limits the removal to these objects; without any, all that is labelled as Flux goes."""

    namespace: str = "flux-system"
    manifests: tuple[Manifest, ...] = ()
    keep_namespace: bool = False
    force: bool = False
    wait_timeout: float = 300


@dataclass(frozen=True)
class Plan:
    """Objects to delete, those of Flux's own kinds that are let go first, and the version that was there."""

    steps: tuple[Step, ...]
    held: tuple[ObjectId, ...] = ()
    version: str = ""


class FluxUninstall:
    """The use-case."""

    def __init__(self, wanted: Wanted, cluster: KubeClient, progress: Progress = QUIET) -> None:
        self._wanted = wanted
        self._cluster = cluster
        self._progress = progress
        self._planner = Planner(cluster, advance=progress.advance)

    def plan(self) -> Plan:
        """Raises InvalidOption and KubeError's kinds."""
        if self._wanted.wait_timeout <= 0:
            raise InvalidOption("wait_timeout", "is not a positive number of seconds")
        if self._wanted.manifests:
            ordered = sorted(self._wanted.manifests, key=rank, reverse=True)
            steps = [self._planner.removal(one, self._planner.live(one)) for one in map(ObjectId.of, ordered)]
            return Plan(tuple(step for step in steps if step.before is not None))
        mark = self._planner.live(MARK)
        check_owner(mark, self._wanted.namespace, force=self._wanted.force)
        definitions = self._labelled(*DEFINITION)
        found = [
            *(step for kind in _NAMESPACED for step in self._labelled(*kind, self._wanted.namespace)),
            *(step for kind in _CLUSTER for step in self._labelled(*kind)),
            *definitions,
            *([] if self._wanted.keep_namespace else self._namespace()),
        ]
        held = [one for step in definitions for one in self._with_finalizers(step)]
        return Plan(tuple(found), tuple(held), version_of(mark))

    def predict(self, plan: Plan) -> Outcome:
        """What would be removed."""
        return self._outcome(plan)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds. Run again after it was broken off, it goes on where it was."""
        outcome = self._outcome(plan)
        self._progress.start("deleted", len(plan.steps), "objects")
        waiting = Waiting(self._cluster, self._wanted.wait_timeout, self._progress.waiting)
        try:
            if self._wanted.manifests:
                self._in_turn(plan, waiting)
            else:
                self._all(plan, waiting)
        except NotReady as error:
            outcome.failure = error
        return outcome

    def _all(self, plan: Plan, waiting: Waiting) -> None:
        workers = [step for step in plan.steps if step.id.kind == "Deployment"]
        self._planner.carry_out(workers)
        waiting.until_gone(step.id for step in workers)
        rest = [step for step in plan.steps if step not in workers]
        definitions = [step for step in rest if step.id.kind == DEFINITION[1]]
        self._planner.carry_out(step for step in rest if step not in definitions and step.id.kind != "Namespace")
        for identity in plan.held:
            self._cluster.release(self._cluster.locate(identity), dry_run=False)
        self._planner.carry_out(definitions)
        waiting.until_gone(step.id for step in definitions)
        namespaces = [step for step in rest if step.id.kind == "Namespace"]
        self._planner.carry_out(namespaces)
        waiting.until_gone(step.id for step in namespaces)

    def _in_turn(self, plan: Plan, waiting: Waiting) -> None:
        """One after the other, each gone before the next: what acts on their finalizers goes last."""
        for step in plan.steps:
            self._planner.carry_out([step])
            waiting.until_gone([step.id])

    def _labelled(self, api_version: str, kind: str, namespace: str = "") -> list[Step]:
        """What of a kind is labelled as Flux's, and is of the Flux in this namespace."""
        found = []
        for live in self._list(api_version, kind, namespace, _SELECTOR):
            if labels_of(live).get(INSTANCE, self._wanted.namespace) == self._wanted.namespace:
                identity = ObjectId(api_version, kind, namespace, text(metadata_of(live).get("name")))
                found.append(self._planner.removal(identity, {"apiVersion": api_version, "kind": kind, **live}))
        return found

    def _namespace(self) -> list[Step]:
        identity = ObjectId("v1", "Namespace", "", self._wanted.namespace)
        live = self._planner.live(identity)
        labels = labels_of(live)
        ours = labels.get(PART_OF) == "flux" or SYNCED_BY in labels
        return [self._planner.removal(identity, live)] if live is not None and ours else []

    def _with_finalizers(self, definition: Step) -> list[ObjectId]:
        spec = at(definition.before, "spec")
        versions = [text(one.get("name")) for one in mappings(at(spec, "versions")) if one.get("storage") is True]
        kind = text(at(spec, "names", "kind"))
        found = []
        for version in versions:
            api_version = f"{text(at(spec, 'group'))}/{version}"
            for one in self._list(api_version, kind, "", ""):
                metadata = metadata_of(one)
                if metadata.get("finalizers"):
                    namespace, name = metadata.get("namespace") or "", text(metadata.get("name"))
                    found.append(ObjectId(api_version, kind, namespace, name))
        return found

    def _list(self, api_version: str, kind: str, namespace: str, selector: str) -> list[Object]:
        try:
            where = self._cluster.locate(ObjectId(api_version, kind, namespace, ""))
            return list(self._cluster.find(where, label_selector=selector))
        except NotInstalled:
            return []

    def _outcome(self, plan: Plan) -> Outcome:
        acting = [step for step in plan.steps if step.acting]
        return Outcome(
            changed=bool(acting or plan.held),
            values={
                "version": "",
                "previous_version": plan.version or None,
                "synced": False,
                "components": [],
                "resources": [step.as_value() for step in plan.steps],
            },
            actions=[*(f"release {one}" for one in plan.held), *(step.action for step in acting)],
            diff=[step.diff for step in acting],
        )
