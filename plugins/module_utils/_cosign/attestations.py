# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of an artifact's attestations decides, and whether what it says will do. Pure, and total.

cosign and others pass where any attestation of the type passes, so that one good scan of last year outweighs today's
bad one. Here it is never "any":

- where a log or a time stamp says when each was made, the newest decides; where several signers have to agree, the
  newest of each;
- where one has no such time (as by a key without a time stamp), no order is known, and every one must pass.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from . import predicates, verdicts
from .verdicts import Verdict

if t.TYPE_CHECKING:  # pragma: no cover
    from .policy import Trust
    from .predicates import Kind
    from .verdicts import Finding

Check = t.Callable[[t.Mapping[str, t.Any]], str]  # why a predicate does not do; empty for one that does


@dataclass(frozen=True)
class Asked:
    """What is asked of attestations: their type, the run that they are of, and what they have to say."""

    kind: Kind
    invocation_id: str | None = None
    check: Check | None = None


@dataclass(frozen=True)
class Choice:
    """`deciding` are those whose word counts, judged; `findings` all of them, with what became of each."""

    deciding: tuple[Finding, ...]
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> Finding | None:
        """The first of those deciding that will not do."""
        return next((one for one in self.deciding if one.verdict is not Verdict.VERIFIED), None)


def decide(findings: t.Sequence[Finding], trust: Trust, asked: Asked, unfit: t.Callable[[Finding], str]) -> Choice:
    """Choose among valid attestations, and judge what was chosen. `unfit` says why a finding is refused beside that."""
    of_run = [_of_run(one, asked) for one in findings]
    chosen = _choose(of_run, trust)
    deciding, all_of_them = list[verdicts.Finding](), list[verdicts.Finding]()
    for one in of_run:
        if any(one is member for member in chosen):
            judged = _judge(one, asked, unfit)
            deciding.append(judged)
        elif one.verdict is Verdict.VERIFIED:
            judged = replace(one, reason="valid, but a newer one decides")
        else:
            judged = one
        all_of_them.append(judged)
    return Choice(tuple(deciding), tuple(all_of_them))


def _of_run(finding: Finding, asked: Asked) -> Finding:
    if asked.invocation_id is None or finding.verdict is not Verdict.VERIFIED:
        return finding
    found = predicates.run_of(asked.kind, finding.predicate or {})
    if found == asked.invocation_id:
        return finding
    reason = f"valid, but of the run {str(found)[:100]!r}, not of {asked.invocation_id!r}"
    return replace(finding, verdict=Verdict.WRONG_IDENTITY, reason=reason)


def _choose(findings: t.Sequence[Finding], trust: Trust) -> list[Finding]:
    valid = [one for one in findings if one.verdict is Verdict.VERIFIED]
    if any(one.time is None for one in valid):
        return valid
    newest = _newest(valid)
    if trust.satisfied(verdicts.signers(newest)):
        return newest
    by_signer = {one.key: [other for other in valid if other.key == one.key] for one in valid}
    return [one for group in by_signer.values() for one in _newest(group)]


def _newest(findings: t.Sequence[Finding]) -> list[Finding]:
    """Those of the latest time; of several at the same second, all."""
    latest = max((one.time or 0.0 for one in findings), default=0.0)
    return [one for one in findings if one.time == latest]


def _judge(finding: Finding, asked: Asked, unfit: t.Callable[[Finding], str]) -> Finding:
    reason = unfit(finding)
    if not reason and asked.check is not None:
        reason = asked.check(finding.predicate or {})
    return replace(finding, verdict=Verdict.WRONG_IDENTITY, reason=reason) if reason else finding
