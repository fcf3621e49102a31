# SPDX-License-Identifier: GPL-3.0-or-later
"""Take Flux out of a cluster as `flux uninstall` does it; what it has applied stays.

Source: flux2, pkg/uninstall/uninstall.go. The controllers go first, so that nobody prunes what the objects applied;
then finalizers, on which nobody would act any more; then the definitions with all objects, and the namespace.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.declare import manifest_yaml
from ..._flux.declare.install_manifests import DEFINITION, INSTANCE, PART_OF, SYNCED_BY, Manifest, ObjectId
from ..._kube.client import Address
from ..._kube.errors import NotInstalled
from ..._kube.objects import shown
from ..._shared.errors import InvalidOption
from .._case import QUIET, Outcome
from .components import MARK, check_owner, version_of
from .kube_objects import KubeObjects, Step
from .kube_waiting import NotReady, Waiting

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kube.cluster import KubeCluster
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
    held: tuple[tuple[ObjectId, Address], ...] = ()
    version: str = ""


class FluxUninstall:
    """The use-case."""

    def __init__(self, wanted: Wanted, cluster: KubeCluster, progress: Progress = QUIET) -> None:
        self._wanted = wanted
        self._cluster = cluster
        self._progress = progress
        self._objects = KubeObjects(cluster, force=wanted.force, progress=progress)

    def plan(self) -> Plan:
        """Raises InvalidOption and KubeError's kinds."""
        if self._wanted.wait_timeout <= 0:
            raise InvalidOption("wait_timeout", "is not a positive number of seconds")
        if self._wanted.manifests:
            return Plan(tuple(self._objects.plan_removal(self._wanted.manifests)))
        mark = self._objects.live(MARK)
        check_owner(mark, self._wanted.namespace, force=self._wanted.force)
        definitions = self._labelled(*DEFINITION)
        found = [
            *(step for kind in _NAMESPACED for step in self._labelled(*kind, self._wanted.namespace)),
            *(step for kind in _CLUSTER for step in self._labelled(*kind)),
            *definitions,
            *([] if self._wanted.keep_namespace else self._namespace()),
        ]
        held = [one for step in definitions for one in self._with_finalizers(step.id)]
        return Plan(tuple(found), tuple(held), version_of(mark))

    def predict(self, plan: Plan) -> Outcome:
        return self._outcome(plan)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds. Run again after it was broken off, it goes on where it was."""
        outcome = self._outcome(plan)
        self._progress.start("deleted", len(plan.steps), "objects")
        waiting = Waiting(self._cluster, self._wanted.wait_timeout, self._progress)
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
        self._objects.carry_out(workers)
        waiting.until_gone(step.id for step in workers)
        rest = [step for step in plan.steps if step not in workers]
        definitions = [step for step in rest if step.id.kind == DEFINITION[1]]
        self._objects.carry_out(step for step in rest if step not in definitions and step.id.kind != "Namespace")
        for _identity, address in plan.held:
            self._cluster.release(address, dry_run=False)
        self._objects.carry_out(definitions)
        waiting.until_gone(step.id for step in definitions)
        namespaces = [step for step in rest if step.id.kind == "Namespace"]
        self._objects.carry_out(namespaces)
        waiting.until_gone(step.id for step in namespaces)

    def _in_turn(self, plan: Plan, waiting: Waiting) -> None:
        """One after the other, each gone before the next: what acts on their finalizers goes last."""
        for step in plan.steps:
            self._objects.carry_out([step])
            waiting.until_gone([step.id])

    def _labelled(self, api_version: str, kind: str, namespace: str = "") -> list[Step]:
        """What of a kind is labelled as Flux's, and is of the Flux in this namespace."""
        found = []
        for live in self._list(api_version, kind, namespace, _SELECTOR):
            metadata = live["metadata"]
            if (metadata.get("labels") or {}).get(INSTANCE, self._wanted.namespace) == self._wanted.namespace:
                found.append(_step(ObjectId(api_version, kind, namespace, metadata["name"]), self._cluster, live))
        return found

    def _namespace(self) -> list[Step]:
        identity = ObjectId("v1", "Namespace", "", self._wanted.namespace)
        live = self._objects.live(identity)
        labels = ((live or {}).get("metadata") or {}).get("labels") or {}
        ours = labels.get(PART_OF) == "flux" or SYNCED_BY in labels
        return [_step(identity, self._cluster, live)] if live is not None and ours else []

    def _with_finalizers(self, definition: ObjectId) -> list[tuple[ObjectId, Address]]:
        live = self._objects.live(definition)
        if live is None:
            return []
        spec = live["spec"]
        version = next(one["name"] for one in spec["versions"] if one["storage"])
        api_version, kind = f"{spec['group']}/{version}", spec["names"]["kind"]
        found = []
        for one in self._list(api_version, kind, "", ""):
            metadata = one["metadata"]
            if metadata.get("finalizers"):
                identity = ObjectId(api_version, kind, metadata.get("namespace", ""), metadata["name"])
                found.append((identity, _address(identity, self._cluster)))
        return found

    def _list(self, api_version: str, kind: str, namespace: str, selector: str) -> list[dict[str, t.Any]]:
        try:
            where = self._cluster.locate(api_version, kind, namespace, "")
            return list(self._cluster.find(where, label_selector=selector))
        except NotInstalled:
            return []

    def _outcome(self, plan: Plan) -> Outcome:
        acting = [step for step in plan.steps if step.change != "unchanged"]
        return Outcome(
            changed=bool(acting or plan.held),
            values={
                "version": "",
                "previous_version": plan.version or None,
                "synced": False,
                "components": [],
                "resources": [step.as_value() for step in plan.steps],
            },
            actions=[*(f"release {one}" for one, _address in plan.held), *(step.action for step in acting)],
            diff=[step.diff for step in acting],
        )


def _step(identity: ObjectId, cluster: KubeCluster, live: dict[str, t.Any]) -> Step:
    full = {"apiVersion": identity.api_version, "kind": identity.kind, **live}
    leaving = bool(live["metadata"].get("deletionTimestamp"))
    return Step(
        identity,
        _address(identity, cluster),
        "unchanged" if leaving else "deleted",
        uid=str(live["metadata"].get("uid")),
        before=manifest_yaml.dump([shown(full)]),
    )


def _address(identity: ObjectId, cluster: KubeCluster) -> Address:
    return cluster.locate(identity.api_version, identity.kind, identity.namespace, identity.name)
