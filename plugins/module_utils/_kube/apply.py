# SPDX-License-Identifier: GPL-3.0-or-later
"""The one planner of server-side apply: what the API server's own dry runs say that a run would do, and that run.

One rule says whose fields are taken over, in every module. An equal value is nobody's conflict. What a person set with
kubectl or the flux CLI gives way to what is declared, as it does under Flux's kustomize-controller. What anything else
set to another value is a conflict that names it, unless the task says `force_conflicts`.
Source: kustomize-controller v1.9.5, docs/spec/v1/kustomizations.md, "Controlling the apply behavior of resources".
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._flux.declare import manifest_yaml
from .._shared.object_id import ObjectId
from .._shared.shapes import at, mappings
from . import objects
from .client import FIELD_MANAGER, Address, KubeClient, Object
from .errors import Conflict, KubeError, NoNamespace, NotInstalled

Manifest = t.Mapping[str, t.Any]
Change = t.Literal["created", "updated", "deleted", "unchanged"]
_VERBS: t.Mapping[Change, str] = {"created": "create", "updated": "update", "deleted": "delete", "unchanged": "leave"}


def by_hand(manager: str) -> bool:
    """Whether it is what a person at a terminal uses. `before-first-apply` is what was there without any manager."""
    return manager in ("kubectl", "flux", "before-first-apply") or manager.startswith("kubectl-")


@dataclass(frozen=True)
class Rule:
    """When an object is as it is to be, and what is taken over for it.

    `force` takes over every field, `allies` names managers whose fields are taken over beside those set by hand.
    `claim`: that somebody else set everything just so is not enough, since what nobody here owns stays when it is no
    longer declared. `same` compares an object with what it would be.
    """

    force: bool = False
    allies: frozenset[str] = frozenset()
    claim: bool = False
    same: t.Callable[[Object, Object], bool] = objects.same

    def gives_way(self, manager: str) -> bool:
        """Whether this manager's fields are taken over."""
        return self.force or by_hand(manager) or manager in self.allies

    def settled(self, live: Object, after: Object) -> bool:
        """Whether nothing is to be done."""
        owned = objects.owned_fields(live, FIELD_MANAGER) == objects.owned_fields(after, FIELD_MANAGER)
        return self.same(live, after) and (owned or not self.claim)


@dataclass(frozen=True)
class Step:
    """What happens to one object: to make it `after` what it is `before`, or with no `manifest` to delete it.

    `tried` is the address at which the server tried it. `uid` is the object that was looked at, `force` whether fields
    are taken over, `blocked` why a run would fail now, though something earlier in the play may still mend it.
    """

    id: ObjectId
    change: Change
    manifest: Manifest | None = field(default=None, repr=False)
    before: Object | None = field(default=None, repr=False)
    after: Object | None = field(default=None, repr=False)
    tried: Address | None = None
    uid: str = ""
    force: bool = False
    blocked: KubeError | None = None

    @property
    def acting(self) -> bool:
        """Whether anything is to be done."""
        return self.change != "unchanged"

    @property
    def action(self) -> str:
        """`create Kind namespace/name`."""
        return f"{_VERBS[self.change]} {self.id}"

    @property
    def diff(self) -> dict[str, str]:
        """Both states as YAML, without what nobody may see; of a new object what is declared, without its defaults."""
        header = str(self.id)
        after = self.after if self.before else self.manifest
        return {
            "before": _yaml(self.before, after),
            "after": _yaml(after, self.before),
            "before_header": header,
            "after_header": header,
        }

    def as_value(self) -> dict[str, str]:
        """As a task returns it."""
        return {**self.id.as_value(), "change": self.change}


def _yaml(state: Manifest | None, beside: Manifest | None) -> str:
    return manifest_yaml.dump([objects.shown(state, beside)]) if state else ""


def _tell_nobody(amount: int) -> None:
    del amount


class Planner:
    """Objects in one cluster. `advance` is told of each that was looked at, or worked on."""

    def __init__(
        self, client: KubeClient, rule: Rule | None = None, advance: t.Callable[[int], None] | None = None
    ) -> None:
        self._client = client
        self._rule = rule or Rule()
        self._advance = advance or _tell_nobody

    def plan(self, manifests: t.Sequence[Manifest]) -> list[Step]:
        """One step for each. What `manifests` make themselves, a namespace or a definition, blocks none of them.

        Nothing is changed. Raises KubeError's kinds; Conflict where somebody else's field would have to be taken over.
        """
        coming = _Coming(manifests)
        return [self._step(manifest, coming, self._client.get) for manifest in manifests]

    def plan_one(self, manifest: Manifest, live: Object | None) -> Step:
        """The same for one object that was read already."""
        return self._step(manifest, _Coming(()), lambda _address: live)

    def live(self, identity: ObjectId) -> Object | None:
        """The object as it is; None also where the cluster does not know its kind."""
        try:
            return self._client.get(self._client.locate(identity))
        except NotInstalled:
            return None

    def removal(self, identity: ObjectId, live: Object | None) -> Step:
        """The end of an object, which the server tries; unchanged if it is gone, or going, already."""
        if live is None or objects.is_leaving(live):
            return Step(identity, "unchanged", before=live)
        address, uid = self._client.locate(identity), objects.uid_of(live)
        self._client.delete(address, uid, dry_run=True)
        return Step(identity, "deleted", before=live, tried=address, uid=uid)

    def carry_out(self, steps: t.Iterable[Step]) -> None:
        """Do what was planned, in this order. Raises KubeError's kinds."""
        for step in steps:
            if not step.acting:
                continue
            address, force = step.tried or self._client.locate(step.id), step.force
            if step.manifest is None:
                self._client.delete(address, step.uid, dry_run=False)
            else:
                if step.tried is None:  # planned without the server, which has a word to say now
                    force = self._try(address, step.manifest, None)[1]
                self._client.apply(address, step.manifest, dry_run=False, force=force)
            self._advance(1)

    def _step(self, manifest: Manifest, coming: _Coming, read: t.Callable[[Address], Object | None]) -> Step:
        self._advance(1)
        identity = ObjectId.of(manifest)
        new = Step(identity, "created", manifest, after=dict(manifest))
        try:
            address = self._client.locate(identity)
            live = read(address)
            if objects.is_leaving(live):
                text = f"{identity} is being deleted: run the task again when it is gone"
                raise Conflict(text, host=self._client.host)
            after, force = self._try(address, manifest, live)
        except (NotInstalled, NoNamespace) as error:
            return new if coming.provides(identity, error) else replace(new, blocked=error)
        found = replace(new, before=live, after=after, tried=address, uid=objects.uid_of(live), force=force)
        if live is None:
            return found
        return replace(found, change="unchanged" if self._rule.settled(live, after) else "updated")

    def _try(self, address: Address, manifest: Manifest, live: Object | None) -> tuple[Object, bool]:
        """What the object would be, and whether fields have to be taken over for it."""
        if self._rule.force:
            return self._client.apply(address, manifest, dry_run=True, force=True), True
        try:
            return self._client.apply(address, manifest, dry_run=True, force=False), False
        except Conflict as error:
            if not error.owners:  # it changed at this very moment
                raise
            after = self._client.apply(address, manifest, dry_run=True, force=True)
            strangers = [claim for claim in error.owners if not self._rule.gives_way(claim[1])]
            # What the server writes in another way (cpu: 1000m, a default) is a conflict to it, and no difference.
            if strangers and not (live is not None and self._rule.settled(live, after)):
                raise Conflict.of_fields(str(address), strangers, self._client.host) from None
            return after, True


class _Coming:
    """What is not there yet, and comes with the manifests themselves."""

    def __init__(self, manifests: t.Iterable[Manifest]) -> None:
        self._namespaces: set[str] = set()
        self._kinds: set[tuple[str, str]] = set()
        for one in manifests:
            if (one["apiVersion"], one["kind"]) == ("v1", "Namespace"):
                self._namespaces.add(ObjectId.of(one).name)
            if one["kind"] == "CustomResourceDefinition":
                group, kind = at(one, "spec", "group"), at(one, "spec", "names", "kind")
                versions = mappings(at(one, "spec", "versions"))
                self._kinds |= {(f"{group}/{version.get('name')}", str(kind)) for version in versions}

    def provides(self, identity: ObjectId, missing: KubeError) -> bool:
        """Whether what is missing will be there in time."""
        if isinstance(missing, NoNamespace):
            return identity.namespace in self._namespaces
        return (identity.api_version, identity.kind) in self._kinds
