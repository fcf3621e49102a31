# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects of any kind by server-side apply, planned by the server's own dry runs.

Definitions go first. What the run itself is going to make (a namespace, a definition) blocks nothing in the plan.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..._flux.declare import manifest_yaml
from ..._flux.declare.install_manifests import Manifest, ObjectId, Resource, rank, resources
from ..._kube.client import Address
from ..._kube.errors import Conflict, KubeError, NoNamespace, NotInstalled
from ..._kube.objects import same, shown
from .._case import QUIET

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kube.cluster import KubeCluster
    from .._case import Diff, Progress

Object = dict[str, t.Any]
Change = t.Literal["created", "updated", "deleted", "unchanged"]
_VERBS = {"created": "create", "updated": "update", "deleted": "delete"}

# Tools that install Flux for a person at a terminal: what they set is taken over without asking.
BY_HAND = frozenset({"flux", "kubectl", "kubectl-client-side-apply", "kubectl-create", "before-first-apply"})


@dataclass(frozen=True)
class Step:
    """What happens to one object. `force` takes fields over; `blocked` is why a run would fail now."""

    id: ObjectId
    address: Address | None
    change: Change
    manifest: Manifest | None = None
    uid: str = ""
    before: str = ""
    after: str = ""
    force: bool = False
    blocked: KubeError | None = None

    @property
    def action(self) -> str:
        return f"{_VERBS.get(self.change, 'leave')} {self.id}"

    @property
    def diff(self) -> Diff:
        header = str(self.id)
        return {"before": self.before, "after": self.after, "before_header": header, "after_header": header}

    def as_value(self) -> dict[str, str]:
        """As a task returns it."""
        return {
            "api_version": self.id.api_version,
            "kind": self.id.kind,
            "namespace": self.id.namespace,
            "name": self.id.name,
            "change": self.change,
        }


class KubeObjects:
    """Objects in one cluster. `force` takes over every field; without it, only those of BY_HAND."""

    def __init__(self, cluster: KubeCluster, *, force: bool = False, progress: Progress = QUIET) -> None:
        self._cluster = cluster
        self._progress = progress
        self._force = force

    def plan(self, manifests: t.Sequence[Manifest]) -> list[Step]:
        """One step for each, in the order of application. Raises KubeError's kinds."""
        ordered = sorted(manifests, key=rank)
        coming = resources(ordered)
        namespaces = {one["metadata"]["name"] for one in ordered if rank(one) == 0}
        return [self._step(manifest, coming, namespaces) for manifest in ordered]

    def plan_removal(self, manifests: t.Sequence[Manifest]) -> list[Step]:
        """The same in reverse: each object that is there goes."""
        return [step for one in sorted(manifests, key=rank, reverse=True) if (step := self._removal(one))]

    def live(self, identity: ObjectId) -> Object | None:
        """The object as it is; None also where the cluster does not know its kind."""
        try:
            return self._cluster.get(self._locate(identity))
        except NotInstalled:
            return None

    def carry_out(self, steps: t.Iterable[Step]) -> None:
        """Apply or delete. Raises KubeError's kinds."""
        for step in steps:
            if step.change == "unchanged":
                continue
            address, force = step.address or self._locate(step.id), step.force
            if step.manifest is None:
                self._cluster.delete(address, step.uid, dry_run=False)
                self._progress.advance(1)
                continue
            if step.address is None:  # planned without the server, which has a word to say now
                force = self._dry_run(address, step.manifest, None)[1]
            self._cluster.apply(address, step.manifest, dry_run=False, force=force)
            self._progress.advance(1)

    def _step(self, manifest: Manifest, coming: t.Mapping[tuple[str, str], Resource], namespaces: set[str]) -> Step:
        self._progress.advance(1)
        identity = ObjectId.of(manifest)
        new = Step(identity, None, "created", manifest, after=manifest_yaml.dump([shown(manifest)]))
        try:
            address = self._locate(identity)
            live = self._cluster.get(address)
            if live and live["metadata"].get("deletionTimestamp"):
                raise Conflict(f"{identity} is being deleted: run the task again when it is gone")
            after, force = self._dry_run(address, manifest, live)
        except NotInstalled as error:
            made_here = (identity.api_version, identity.kind) in coming
            return new if made_here else replace(new, blocked=error)
        except NoNamespace as error:
            return new if identity.namespace in namespaces else replace(new, blocked=error)
        if live is None:
            return replace(new, address=address, force=force)
        change: Change = "unchanged" if same(live, after) else "updated"
        before_text, after_text = manifest_yaml.dump([shown(live)]), manifest_yaml.dump([shown(after)])
        return Step(identity, address, change, manifest, before=before_text, after=after_text, force=force)

    def _dry_run(self, address: Address, manifest: Manifest, live: Object | None) -> tuple[Object, bool]:
        """What the object would be, and whether fields have to be taken over for it."""
        try:
            return self._cluster.apply(address, manifest, dry_run=True, force=self._force), self._force
        except Conflict as error:
            managers = set((error.details.get("fields") or {"": ""}).values())
            forced = self._cluster.apply(address, manifest, dry_run=True, force=True)
            # What the server writes in another way (cpu: 1000m, a default) is a conflict to it, and no difference.
            if managers <= BY_HAND or (live is not None and same(live, forced)):
                return forced, True
            raise

    def _removal(self, manifest: Manifest) -> Step | None:
        identity = ObjectId.of(manifest)
        live = self.live(identity)
        if live is None:
            return None
        gone = Step(identity, self._locate(identity), "deleted", before=manifest_yaml.dump([shown(live)]))
        if live["metadata"].get("deletionTimestamp"):
            return replace(gone, change="unchanged")
        return replace(gone, uid=str(live["metadata"].get("uid")))

    def _locate(self, identity: ObjectId) -> Address:
        return self._cluster.locate(identity.api_version, identity.kind, identity.namespace, identity.name)
