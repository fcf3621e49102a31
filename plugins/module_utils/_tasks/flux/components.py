# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module flux_components: Flux's install manifests in a cluster, until its controllers run."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.declare import install_manifests as install
from ..._flux.kinds import KUSTOMIZATION
from ..._flux.version import NEWEST, OLDEST_SUPPORTED, FluxVersion
from ..._kube.apply import Planner, Rule, Step
from ..._kube.errors import Conflict
from ..._kube.objects import labels_of
from ..._kube.readiness import NotReady, Waiting
from ..._shared.errors import InvalidOption
from ..._shared.object_id import ObjectId
from ..._shared.shapes import at
from .._case import QUIET, Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.declare.install_manifests import Manifest
    from ..._kube.client import KubeClient
    from ..._shared.errors import GitopsError
    from .._case import Progress

MARK = ObjectId(*install.DEFINITION, "", "gitrepositories.source.toolkit.fluxcd.io")


@dataclass(frozen=True)
class Wanted:
    """The options. `when_synced` says what to do where Flux gets its components from git: `fail` or `keep`."""

    manifests: tuple[Manifest, ...]
    namespace: str = "flux-system"
    when_synced: str = "fail"
    force: bool = False
    wait: bool = True
    wait_timeout: float = 300


@dataclass(frozen=True)
class Installed:
    """What a cluster says of the Flux in it: its version, and whether it gets its components from git."""

    version: str = ""
    synced: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps in their order, and what was there before."""

    steps: tuple[Step, ...]
    before: Installed
    warnings: tuple[str, ...] = ()
    blocked: GitopsError | None = None

    @property
    def acting(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.acting)


class FluxComponents:
    """The use-case. Where Flux applies itself from git, nothing is applied: it would be undone."""

    def __init__(self, wanted: Wanted, cluster: KubeClient, progress: Progress = QUIET) -> None:
        self._wanted = wanted
        self._cluster = cluster
        self._progress = progress
        self._planner = Planner(cluster, Rule(force=wanted.force), progress.advance)

    def plan(self) -> Plan:
        """Raises InvalidOption and KubeError's kinds."""
        if self._wanted.wait_timeout <= 0:
            raise InvalidOption("wait_timeout", "is not a positive number of seconds")
        # What is no component of Flux itself, such as its operator, is nobody's claim to those that are there.
        ours = any(install.is_component(one) for one in self._wanted.manifests)
        live = self._planner.live(MARK) if ours else None
        check_owner(live, self._wanted.namespace, force=self._wanted.force)
        before = Installed(version_of(live), live is not None and self._is_synced(live))
        if before.synced and self._wanted.when_synced == "keep":
            return Plan((), before, self._warnings(before))
        # What Flux has applied by itself is compared only: its claim to the fields is no obstacle to that.
        planner = Planner(self._cluster, Rule(force=True), self._progress.advance) if before.synced else self._planner
        self._progress.start("compared", len(self._wanted.manifests), "objects")
        steps = tuple(planner.plan(sorted(self._wanted.manifests, key=install.rank)))
        acting = [step for step in steps if step.acting]
        if before.synced and acting:
            raise Conflict(
                f"{acting[0].id}: this Flux gets its components from git, and would undo what is applied here: change "
                "them there (the role does it with flux_install_repository)"
            )
        blocked = next((step.blocked for step in steps if step.blocked), None)
        return Plan(steps, before, self._warnings(before), blocked)

    def predict(self, plan: Plan) -> Outcome:
        """What would change; a warning for what stops a run."""
        blocked = would_fail(plan.blocked)
        return self._outcome(plan, blocked)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds."""
        if plan.blocked:
            raise plan.blocked
        self._progress.start("applied", len(plan.acting), "objects")
        waiting = Waiting(self._cluster, self._wanted.wait_timeout, self._progress.waiting)
        first = [step for step in plan.acting if _is_definition(step.id) or step.id.kind == "Namespace"]
        self._planner.carry_out(first)
        outcome = self._outcome(plan, [])
        try:
            waiting.until_established(step.id for step in plan.steps if _is_definition(step.id))
            rest = [step for step in plan.acting if step not in first]
            self._planner.carry_out(step for step in rest if install.rank(t.cast("Manifest", step.manifest)) < 4)
            if self._wanted.wait:
                waiting.until_available(self._identities("apps/v1", "Deployment"))
            self._planner.carry_out(step for step in rest if install.rank(t.cast("Manifest", step.manifest)) == 4)
            if self._wanted.wait:
                waiting.until_ready(self._custom())
        except NotReady as error:
            outcome.failure = error
        return outcome

    def _identities(self, api_version: str, kind: str) -> list[ObjectId]:
        found = [ObjectId.of(one) for one in self._wanted.manifests]
        return [one for one in found if (one.api_version, one.kind) == (api_version, kind)]

    def _custom(self) -> list[ObjectId]:
        """Objects of definitions, such as a FluxInstance: they are ready when they say so."""
        return [ObjectId.of(one) for one in self._wanted.manifests if install.rank(one) == 4]

    def _is_synced(self, live: t.Mapping[str, t.Any]) -> bool:
        """Whether the Kustomization that these definitions are labelled with has applied them from somewhere."""
        labels = labels_of(live)
        name = labels.get(install.SYNCED_BY)
        if not name:
            return False
        namespace = labels.get(install.SYNCED_BY.replace("/name", "/namespace"), self._wanted.namespace)
        found = self._planner.live(ObjectId(KUSTOMIZATION.api_version, KUSTOMIZATION.name, namespace, name))
        return bool(at(found, "status", "lastAppliedRevision"))

    def _warnings(self, before: Installed) -> tuple[str, ...]:
        new = install.version_of(self._wanted.manifests)
        version, old = _parsed(new), _parsed(before.version)
        said = []
        if version and not OLDEST_SUPPORTED <= version <= FluxVersion(NEWEST.major, NEWEST.minor, 9999):
            known = f"{OLDEST_SUPPORTED.release} to {NEWEST.release}"
            said.append(f"Flux {new} was not tried with this collection, which knows {known}")
        if version and old and version < old:
            said.append(f"Flux {before.version} is installed, and {new} is older: Flux does not support going back")
        return tuple(said)

    def _outcome(self, plan: Plan, warnings: list[str]) -> Outcome:
        components = [
            {
                "name": one["metadata"]["name"],
                "namespace": one["metadata"].get("namespace", ""),
                "images": install.images(one),
            }
            for one in self._wanted.manifests
            if one["kind"] == "Deployment"
        ]
        return Outcome(
            changed=bool(plan.acting),
            values={
                "version": install.version_of(self._wanted.manifests),
                "previous_version": plan.before.version or None,
                "synced": plan.before.synced,
                "components": components,
                "resources": [step.as_value() for step in plan.steps],
            },
            actions=[step.action for step in plan.acting],
            diff=[step.diff for step in plan.acting],
            warnings=[*plan.warnings, *warnings],
        )


def _is_definition(identity: ObjectId) -> bool:
    return (identity.api_version, identity.kind) == install.DEFINITION


def check_owner(live: t.Mapping[str, t.Any] | None, namespace: str, *, force: bool) -> None:
    """Raise Conflict if the Flux that is there is in another namespace, or another tool's."""
    labels = labels_of(live)
    instance, manager = labels.get(install.INSTANCE, namespace), labels.get(install.MANAGED_BY, "flux")
    if instance != namespace:
        raise Conflict(f"namespace: Flux is installed in the namespace {instance}; a cluster has one Flux, not two")
    if manager != "flux" and not force:
        raise Conflict(f"Flux is managed by {manager} here: change it there, or take it over with force_conflicts")


def version_of(live: t.Mapping[str, t.Any] | None) -> str:
    """The release that a definition of Flux in a cluster is labelled with; empty where none is."""
    return install.version_of([live]) if live else ""


def _parsed(text: str) -> FluxVersion | None:
    try:
        return FluxVersion.parse(text.partition("-")[0])
    except InvalidOption:
        return None
