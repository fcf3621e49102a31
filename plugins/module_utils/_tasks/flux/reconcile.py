# SPDX-License-Identifier: GPL-3.0-or-later
"""Let Flux reconcile objects, one after the other, each until it is at what was published and proven.

A request is written where an object is not yet at the digest that is expected of it, or where none is expected: then
there is nothing to compare with. An object that is there already is left alone.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..._flux.kinds import KINDS
from ..._flux.status import conditions
from ..._flux.status.judgement import Judgement, judge
from ..._flux.status.survey import survey
from ..._kube.errors import NoNamespace, NotInstalled
from ..._shared.errors import GitopsError
from ..._shared.object_id import ObjectId
from .. import batch
from .._case import QUIET, Diff, Outcome, would_fail
from . import trust as flux_trust
from .wait import (
    Clock,
    NotFound,
    NotReady,
    Pace,
    Refused,
    Result,
    SourceFailed,
    Suspended,
    SystemClock,
    Target,
    Wait,
    error_of,
    look,
)

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.status.conditions import Reading
    from ..._kube.client import KubeClient, Object
    from .._case import Progress

Request = t.Literal["auto", "always", "never"]


@dataclass(frozen=True)
class Policy:
    """`request`: when one is written. `wait` for the verdict or not. `must_verify`: sources have to be proven."""

    request: Request = "auto"
    wait: bool = True
    must_verify: bool = False
    timeout: float = 300.0
    pause: float = 1.0


@dataclass(frozen=True)
class Step:
    """What is to happen to one object. `source` is what it takes from, where that is in the same task.

    `blocked` is why a run would fail now, though something earlier in the play, or in this task, may still mend it.
    """

    target: Target
    asks: bool
    reading: Reading | None = None
    judgement: Judgement | None = None
    blocked: GitopsError | None = None


Plan = list[Step]


class FluxReconcile:
    """The use-case. Objects are worked on in the order given, each source before what takes from it."""

    def __init__(
        self,
        client: KubeClient,
        targets: t.Sequence[Target],
        policy: Policy,
        clock: Clock | None = None,
        progress: Progress = QUIET,
    ) -> None:
        self._client = client
        self._targets = targets
        self._policy = policy
        self._progress = progress
        self._clock: Clock = clock or SystemClock()
        self._sources: dict[ObjectId, ObjectId] = {}
        self._done: dict[ObjectId, Result] = {}

    def plan(self) -> Plan:
        """Read everything, and let the server try the requests. Raises KubeError's kinds."""
        steps: dict[ObjectId, Step] = {}
        for target in self._targets:
            for step in self._steps(target):
                steps.setdefault(step.target.id, step)
        return list(steps.values())

    def predict(self, plan: Plan) -> Outcome:
        """What is there now, and what would be asked for."""
        results = [Result(one.target, one.reading, one.judgement, one.asks, error=one.blocked) for one in plan]
        blocked = would_fail(*(step.blocked for step in plan))
        return self._outcome(plan, results, blocked)

    def apply(self, plan: Plan) -> Outcome:
        """Ask for each object in turn and wait for it; the failure stands for all that are not ready."""
        worked, results = [], []
        self._progress.start("reconciled", len(plan), "objects")
        for planned in plan:
            for step in self._again(planned):
                worked.append(step)
                results.append(self._work(step))
            self._progress.advance(1)
        outcome = self._outcome(worked, results, [])
        outcome.failure = batch.failure([str(result.target) for result in results], [one.error for one in results])
        return outcome

    def _again(self, step: Step) -> list[Step]:
        """What was missing may be there by now, and so be known to have a source."""
        if step.blocked is None:
            return [step]
        return [one for one in self._steps(step.target) if one.target.id not in self._done]

    def _steps(self, target: Target) -> list[Step]:
        """One object, its source before it where that is wanted."""
        try:
            live, reading = look(self._client, target)
        except (NotInstalled, NoNamespace, NotReady) as error:
            return [Step(target, self._policy.request != "never", blocked=error)]
        found = []
        source = self._learn_source(target, live)
        if source is not None and target.with_source:
            kind = KINDS[source.kind]
            wanted = target.expected if target.kind.name == "Kustomization" or kind.name == "OCIRepository" else ""
            found = self._steps(Target(kind, source.namespace, source.name, wanted))
        asks = self._asks(target, reading)
        if asks:
            token = {conditions.REQUESTED_AT: self._clock.token()}
            self._client.annotate(self._client.locate(target.id), token, dry_run=True)
        judgement = judge(reading, target.expected, must_verify=self._policy.must_verify)
        return [*found, Step(target, asks, reading, judgement)]

    def _learn_source(self, target: Target, live: Object) -> ObjectId | None:
        source = conditions.source_of(live, target.kind)
        if source is not None:
            self._sources[target.id] = source
        return source

    def _asks(self, target: Target, reading: Reading) -> bool:
        if self._policy.request != "auto":
            return self._policy.request == "always"
        there = judge(reading, target.expected, must_verify=self._policy.must_verify).state == "ready"
        return not (target.expected and there)

    def _work(self, step: Step) -> Result:
        """Carry out one step; whatever is wrong with this object is in its result, and hides no other."""
        result = Result(step.target)
        self._done[step.target.id] = result
        start = self._clock.now()
        try:
            self._reconcile(step, result)
        except GitopsError as error:
            result.error = error
        result.duration = round(self._clock.now() - start, 3)
        return result

    def _reconcile(self, step: Step, result: Result) -> None:
        target, policy = step.target, self._policy
        live, reading = look(self._client, target)
        self._learn_source(target, live)
        self._check_source(target)
        wait = Wait(
            self._client,
            target,
            Pace(policy.timeout, policy.pause, policy.request != "never"),
            self._clock,
            self._progress,
            must_verify=policy.must_verify,
        )
        expected = target.expected or self._arrived(target)
        if step.asks or self._asks(target, reading):
            live = wait.ask(reading.handled)
            reading, result.requested = conditions.read(live, target.kind), True
        if policy.wait:
            reading, judgement = wait.until_decided(expected)
            asked = replace(target, expected=expected)
            result.error = error_of(asked, reading, judgement, policy.timeout, lambda: self._hint(target))
            if isinstance(result.error, Refused):
                result.error = self._explained(result.error, target, live)
        else:
            judgement = wait.judge(reading, expected)
        result.reading, result.judgement = reading, judgement

    def _source(self, target: Target) -> Result | None:
        """What became of this object's source earlier in this task."""
        place = self._sources.get(target.id)
        return self._done.get(place) if place else None

    def _check_source(self, target: Target) -> None:
        """An object never gets what its source did not, so there is nothing to wait for."""
        source = self._source(target)
        if source is not None and source.error is not None:
            raise SourceFailed(f"{target}: its source failed: {source.error.message}", source=str(source.target))

    def _arrived(self, target: Target) -> str:
        """The digest that the source of this object is at since this task: Flux may tell its controllers later."""
        source = self._source(target)
        waited = self._policy.wait and source is not None and target.kind.name == "Kustomization"
        return source.reading.digest if waited and source is not None and source.reading is not None else ""

    def _hint(self, target: Target) -> str:
        """What keeps an object waiting is often written at its source."""
        place = self._sources.get(target.id)
        if place is None or place in self._done:
            return ""
        source = Target(KINDS[place.kind], place.namespace, place.name)
        try:
            found = judge(look(self._client, source)[1], target.expected)
        except GitopsError as error:
            return f". Its source: {error.message}"
        return f". Its source {source} is {found.state}: {found.reason}: {found.message}"

    def _explained(self, refused: Refused, target: Target, live: Object) -> Refused:
        """With what is wrong with the keys: of that, Flux says only that no signature matches."""
        found = survey(live, target.kind)
        if not found.keys_in_secret:
            return refused
        try:
            trust = flux_trust.read(self._client, found.namespace, found.key_secret)
        except GitopsError:  # the refusal is what counts
            return refused
        faults = [one.reason for one in trust.findings(found.key_secret) if one.severity == "error"]
        if not faults:
            return refused
        text = f"what is wrong is the Secret: {'; '.join(faults)}; the module flux_secret makes it right"
        return Refused(f"{refused.message}; {text}", **refused.details)

    def _outcome(self, plan: Plan, results: list[Result], warnings: list[str]) -> Outcome:
        asked = [(step, result) for step, result in zip(plan, results, strict=True) if result.requested]
        return Outcome(
            changed=bool(asked),
            values={
                "resources": [describe(result) for result in results],
                "ready": all(result.judgement is not None and result.judgement.state == "ready" for result in results),
            },
            actions=[f"request the reconciliation of {result.target}" for _step, result in asked],
            diff=[_diff(step) for step, _result in asked],
            warnings=warnings,
        )


def describe(result: Result) -> dict[str, t.Any]:
    """One object as a task returns it."""
    target, reading, judgement = result.target, result.reading, result.judgement
    state: str = judgement.state if judgement else "unknown"
    if isinstance(result.error, (NotFound, NoNamespace, NotInstalled)):
        state = "missing"
    elif isinstance(result.error, Suspended):
        state = "suspended"
    return {
        "kind": target.kind.name,
        "namespace": target.namespace,
        "name": target.name,
        "requested": result.requested,
        "state": state,
        "ready": {"ready": True, "working": None, "unknown": None}.get(state, False),
        "verified": reading.verified if reading else None,
        "reason": judgement.reason if judgement else None,
        "message": judgement.message if judgement else None,
        "revision": (reading.revision or None) if reading else None,
        "digest": (reading.digest or None) if reading else None,
        "expected_digest": target.expected or None,
        "generation": reading.generation if reading else None,
        "last_handled": (reading.handled or None) if reading else None,
        "conditions": [one.as_value() for one in reading.conditions.values()] if reading else [],
        "duration": result.duration,
        "failure": result.error.as_failure() if result.error else None,
    }


def _diff(step: Step) -> Diff:
    before = f"{conditions.REQUESTED_AT}: {step.reading.requested}\n" if step.reading and step.reading.requested else ""
    return {
        "before": before,
        "after": f"{conditions.REQUESTED_AT}: (a new token)\n",
        "before_header": str(step.target),
        "after_header": str(step.target),
    }
