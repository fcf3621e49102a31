# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare an OCIRepository that verifies what it fetches, and the Kustomization that applies it; or take them away.

What is declared does not depend on where it goes: a target makes the plan for a file or a cluster, and carries it out.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._flux.declare import manifest_yaml, render
from ..._flux.declare.declaration import Manifest
from ..._flux.rules import check as rules
from ..._shared.errors import InvalidOption
from .._case import Diff, Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.declare.source import Source
    from ..._flux.rules.rule import Finding
    from ..._flux.version import FluxVersion
    from ..._shared.errors import GitopsError
    from ..._shared.object_id import ObjectId

Change = t.Literal["created", "updated", "deleted", "unchanged"]
HEADER = "Written by proven.gitops.flux_oci_source."


@dataclass(frozen=True)
class Wanted:
    """What is to be: these manifests, or, where there are none, none of the objects of `names`."""

    source: Source
    names: tuple[ObjectId, ...]
    manifests: tuple[Manifest, ...]
    content: str


@dataclass(frozen=True)
class Plan:
    """What a target would do. `changes` has one entry for each object, in the order of Wanted.names.

    `blocked` is why a run would fail now, though something earlier in the play may still provide it.
    `details` is the target's own.
    """

    changes: tuple[tuple[ObjectId, Change], ...]
    changed: bool = False
    actions: tuple[str, ...] = ()
    diff: tuple[Diff, ...] = ()
    warnings: tuple[str, ...] = ()
    blocked: GitopsError | None = None
    details: t.Any = field(default=None, repr=False)


class Target(t.Protocol):
    """Where a declaration goes. `name` is what the task returns as its target."""

    name: str

    def plan(self, wanted: Wanted) -> Plan:
        """What is to change there. Raises the target's errors."""

    def apply(self, plan: Plan) -> None:
        """Carry out what plan() found."""


class Nowhere:
    """Only render."""

    name = "none"

    def plan(self, wanted: Wanted) -> Plan:
        """Nothing changes."""
        return Plan(tuple((key, "unchanged") for key in wanted.names))

    def apply(self, plan: Plan) -> None:
        """Nothing is done."""
        del plan


class FluxSource:
    """The use-case. What Flux would refuse, or silently not verify, is an InvalidOption before anything is read."""

    def __init__(self, source: Source, version: FluxVersion, target: Target, *, present: bool = True) -> None:
        self._source = source
        self._version = version
        self._target = target
        self._present = present
        self._findings: list[Finding] = []
        self._wanted: Wanted | None = None

    def plan(self) -> Plan:
        """Judge and render, then ask the target. Raises InvalidOption, and the target's errors."""
        self._findings = self._judged()
        manifests = tuple(render.manifests(self._source)) if self._present else ()
        content = manifest_yaml.write(manifests, render.option, HEADER) if manifests else ""
        self._wanted = Wanted(self._source, tuple(render.keys(self._source)), manifests, content)
        return self._target.plan(self._wanted)

    def predict(self, plan: Plan) -> Outcome:
        """What would change; a warning for what stops a run."""
        blocked = tuple(would_fail(plan.blocked))
        return self._outcome(plan, blocked)

    def apply(self, plan: Plan) -> Outcome:
        """Write it to the target. Raises the target's errors."""
        if plan.blocked:
            raise plan.blocked
        if plan.changed:
            self._target.apply(plan)
        return self._outcome(plan, ())

    def _judged(self) -> list[Finding]:
        # Of objects that are to go, only the names matter.
        found = rules.judge(self._source, self._version) if self._present else rules.judge_names(self._source)
        errors = [finding for finding in found if finding.severity == "error"]
        if errors:
            first, *others = errors
            more = "".join(f"; {other.option}: {other.reason}" for other in others)
            values = [finding.as_value() for finding in found]
            raise InvalidOption(first.option, first.reason + more, findings=values)
        return found

    def _outcome(self, plan: Plan, blocked: tuple[str, ...]) -> Outcome:
        wanted = t.cast("Wanted", self._wanted)
        said = [f"{finding.option}: {finding.reason}" for finding in self._findings]
        return Outcome(
            changed=plan.changed,
            values={
                "target": self._target.name,
                "manifests": list(wanted.manifests),
                "content": wanted.content,
                "findings": [finding.as_value() for finding in self._findings],
                "resources": [{**key.as_value(), "change": change} for key, change in plan.changes],
            },
            actions=list(plan.actions),
            diff=list(plan.diff),
            warnings=[*said, *plan.warnings, *blocked],
        )
