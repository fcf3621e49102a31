# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove signatures: one verdict for each reference, with every signature's own reason."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field, replace

from ..._cosign import attestations, predicates, verdicts
from ..._cosign.verdicts import Finding, Verdict
from ..._oci.descriptor import MalformedManifest, check_document
from ..._registry.errors import BadAnswer, RegistryError
from ..._shared import strict_json
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from ..._shared.strict_json import MalformedJson
from .. import batch
from .._case import QUIET, Outcome
from .attestation_format import AttestationFormat
from .formats import FORMATS, visible
from .signatures import is_tampered

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.age import Age
    from ..._cosign.attestations import Asked
    from ..._cosign.policy import Trust
    from ..._flux.version import FluxVersion
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress
    from .signatures import Format, Stored


_MAX_RESULT = 1 << 20  # bytes of JSON of a predicate that go into a result


class VerificationFailed(GitopsError):
    """A reference is not verified; `details.verdict` says how."""

    code = "not_verified"


@dataclass(frozen=True)
class Policy:
    """What must hold: those who signed satisfy `trust`, each with at least `annotations` and at the right `age`.

    With `flux_version` the answer is that Flux's own: which formats it reads, and in which order. With `asked` it is
    about attestations instead of signatures.
    """

    trust: Trust
    annotations: t.Mapping[str, str] = field(default_factory=dict)
    flux_version: FluxVersion | None = None
    age: Age | None = None
    asked: Asked | None = None

    def unfit(self, finding: Finding) -> str:
        """Why a valid signature does not count; empty for one that does."""
        return self.age.refusal(finding.time) if self.age is not None else ""


@dataclass
class Judged:
    """The verdict on one reference. `digest` is None where it could not be found out."""

    reference: Reference
    digest: str | None
    verdict: Verdict
    reason: str
    findings: list[Finding] = field(default_factory=list)
    error: GitopsError | None = None
    deciding: t.Sequence[Finding] = ()  # attestations

    def describe(self) -> dict[str, t.Any]:
        """The entry of `verdicts` in the result."""
        passed = [one for one in self.deciding or self.findings if one.verdict is Verdict.VERIFIED]
        return {
            "reference": str(self.reference.with_digest(self.digest)) if self.digest else str(self.reference),
            "asked": str(self.reference),
            "digest": self.digest,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "verified": self.verdict is Verdict.VERIFIED,
            "formats": sorted({finding.format for finding in passed}) if self.verdict is Verdict.VERIFIED else [],
            "signed_by": sorted({finding.key for finding in passed if finding.key}),
            "signatures": [_describe(finding) for finding in self.findings],
            "attestations": [_predicate(finding) for finding in self.deciding],
        }


class Verify:
    """The use-case of cosign_verify. Nothing is ever changed, so the plan is the outcome."""

    def __init__(
        self,
        references: t.Sequence[Reference],
        registries: Registries,
        policy: Policy,
        progress: Progress = QUIET,
        *,
        report_only: bool = False,
        concurrency: int = 4,
    ) -> None:
        self._references = references
        self._registries = registries
        self._policy = policy
        # One after the other where a policy is checked, which can be stopped in the main thread alone.
        checked = policy.asked is not None and policy.asked.check is not None
        self._batch = batch.Batch(progress, 1 if checked else concurrency, "references")
        self._report_only = report_only

    def plan(self) -> list[Judged | GitopsError]:
        """A verdict for each reference."""
        return self._batch.each("judged", self._judge, self._references)

    def predict(self, plan: list[Judged | GitopsError]) -> Outcome:
        """As apply(): nothing is changed."""
        return self.apply(plan)

    def apply(self, plan: list[Judged | GitopsError]) -> Outcome:
        """The verdicts; VerificationFailed for what is refused, which `report_only` lets pass."""
        judged = [item for item in plan if isinstance(item, Judged)]
        names = [str(reference) for reference in self._references]
        failures = [self._failure(item) for item in judged]
        listed = [item.describe() for item in judged]
        return Outcome(
            values={"verdicts": listed, "verified": all(item["verified"] for item in listed)},
            failure=batch.failure(names, failures),
        )

    def _failure(self, item: Judged) -> GitopsError | None:
        """report_only turns refusals into results, but never "could not ask" into one. The cause comes first."""
        if item.verdict is Verdict.VERIFIED or (self._report_only and item.verdict is not Verdict.UNREACHABLE):
            return None
        return VerificationFailed(
            f"{item.verdict.value}: {item.reason} ({item.reference})",
            verdict=item.verdict.value,
            reference=str(item.reference),
            digest=item.digest,
            cause=item.error.as_failure() if item.error else None,
        )

    def _judge(self, reference: Reference) -> Judged:
        digest = reference.digest
        try:
            registry = self._registries.get(reference.host)
            answer = registry.get_manifest(reference.repository, reference.pointer)
            if answer is None:
                return Judged(reference, digest, Verdict.NOT_FOUND, verdicts.describe(Verdict.NOT_FOUND))
            digest = of_bytes(answer[0])
            check_document(answer[0], answer[1], str(reference))
            findings = self._findings(registry, reference, digest)
        except (MalformedManifest, MalformedJson) as error:
            return Judged(reference, digest, Verdict.MALFORMED, error.message, error=error)
        except RegistryError as error:
            verdict = Verdict.TAMPERED if is_tampered(error) else Verdict.UNREACHABLE
            return Judged(reference, digest, verdict, error.message, error=error)
        if self._policy.asked is not None:
            return self._attested(reference, digest, findings, self._policy.asked)
        findings = [self._aged(finding) for finding in findings]
        verdict = verdicts.overall(findings, self._policy.trust)
        return Judged(reference, digest, verdict, self._reason(verdict, findings), findings)

    def _attested(self, reference: Reference, digest: str, findings: list[Finding], asked: Asked) -> Judged:
        """The verdict of those attestations that decide; without any, why there is none."""
        choice = attestations.decide(findings, self._policy.trust, asked, self._policy.unfit)
        verdict, refused = verdicts.overall(choice.deciding or choice.findings, self._policy.trust), choice.refused
        if refused is not None:
            verdict, reason = refused.verdict, refused.reason
        else:
            reason = self._reason(verdict, list(choice.deciding or choice.findings))
        return Judged(reference, digest, verdict, reason, list(choice.findings), deciding=choice.deciding)

    def _aged(self, finding: Finding) -> Finding:
        reason = self._policy.unfit(finding) if finding.verdict is Verdict.VERIFIED else ""
        return replace(finding, verdict=Verdict.WRONG_IDENTITY, reason=reason) if reason else finding

    def _findings(self, registry: Registry, reference: Reference, digest: str) -> list[Finding]:
        """What each signature proves; for a Flux version only the signatures that this version would look at."""
        version, findings = self._policy.flux_version, list[Finding]()
        if self._policy.asked is not None:
            return self._all(AttestationFormat(self._policy.asked.kind.uri), registry, reference, digest)
        if version is None:
            for form in FORMATS.values():
                findings += self._in_format(form, registry, reference, digest)
            return findings
        for form in visible(version, reference.host, plain_http=registry.plain_http):
            found, enough = self._as_flux(form, registry, reference, digest)
            findings += found
            if enough:
                break
        return findings

    def _all(self, form: Format, registry: Registry, reference: Reference, digest: str) -> list[Finding]:
        """What every bundle proves: the newest is known only when all were read."""
        try:
            return [
                self._judge_stored(form, one, digest) for one in form.listing(registry, reference.repository, digest)
            ]
        except (BadAnswer, MalformedManifest, MalformedJson) as error:
            return [_unreadable(form, error)]

    def _in_format(self, form: Format, registry: Registry, reference: Reference, digest: str) -> list[Finding]:
        """What the signatures of one format prove, until they are enough."""
        findings: list[Finding] = []
        try:
            for listed in form.listings(registry, reference.repository, digest):
                findings = [self._judge_stored(form, one, digest) for one in listed]
                if self._policy.trust.satisfied(verdicts.signers(map(self._aged, findings))):
                    break
        except (BadAnswer, MalformedManifest, MalformedJson) as error:
            findings.append(_unreadable(form, error))
        return findings

    def _as_flux(
        self, form: Format, registry: Registry, reference: Reference, digest: str
    ) -> tuple[list[Finding], bool]:
        """The same from the place that Flux looks at first, and whether it would look no further."""
        findings, hides = list[Finding](), False
        try:
            for one in form.listing(registry, reference.repository, digest, as_flux=True):
                findings.append(self._judge_stored(form, one, digest))
                hides = form.hides_others(one) or hides
        except (BadAnswer, MalformedManifest, MalformedJson) as error:
            return [*findings, _unreadable(form, error)], True  # what Flux makes of it is not known
        return findings, hides

    def _judge_stored(self, form: Format, stored: Stored, digest: str) -> Finding:
        policy = self._policy
        if stored.content is None:
            verdict = Verdict.TAMPERED if stored.tampered else Verdict.MALFORMED
            return Finding(verdict, form.name, stored.fault, location=stored.digest)
        as_flux = policy.flux_version is not None
        finding = form.judge(stored, digest, policy.trust, policy.annotations, as_flux=as_flux)
        # Flux reads a bundle without a look at what its referrer says of itself.
        if stored.fault and not as_flux and finding.verdict is Verdict.VERIFIED:
            finding = replace(finding, verdict=Verdict.MALFORMED, reason=stored.fault)
        return replace(finding, location=stored.digest)

    def _reason(self, verdict: Verdict, findings: list[Finding]) -> str:
        """The reason of the first signature that had this verdict, or what is true of them all."""
        if verdict is Verdict.VERIFIED or verdict is Verdict.UNSIGNED:
            return verdicts.describe(verdict)
        passed = verdicts.signers(findings)
        if passed:
            return self._policy.trust.lacking(passed)
        return next((finding.reason for finding in findings if finding.verdict is verdict), verdicts.describe(verdict))


def _unreadable(form: Format, error: GitopsError) -> Finding:
    """Nonsense in the place of a format's signatures: whoever may push can put it there, so others go on."""
    if is_tampered(error):
        return Finding(Verdict.TAMPERED, form.name, error.message)
    return Finding(Verdict.UNREACHABLE if isinstance(error, BadAnswer) else Verdict.MALFORMED, form.name, error.message)


def _describe(finding: Finding) -> dict[str, t.Any]:
    return {
        "format": finding.format,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "key": finding.key,
        "identity": finding.identity.name if finding.identity else None,
        "issuer": finding.identity.issuer if finding.identity else None,
        "digest": finding.location,
        "annotations": dict(finding.annotations),
        "predicate_type": finding.predicate_type,
        "time": _moment(finding.time),
    }


def _predicate(finding: Finding) -> dict[str, t.Any]:
    """What an attestation says, where it is not too much for a result."""
    said = finding.predicate if finding.predicate is not None and _is_small(finding.predicate) else None
    return {
        "predicate_type": finding.predicate_type,
        "predicate": said,
        "omitted": said is None,
        "key": finding.key,
        "digest": finding.location,
        "time": _moment(finding.time),
        "verdict": finding.verdict.value,
        "reason": finding.reason,
    }


def _is_small(predicate: t.Mapping[str, t.Any]) -> bool:
    if predicates.depth_over(predicate, predicates.MAX_DEPTH):
        return False
    return len(strict_json.compact(predicate)) <= _MAX_RESULT


def _moment(time: float | None) -> str | None:
    """Unix seconds as RFC 3339."""
    if time is None:
        return None
    return datetime.datetime.fromtimestamp(int(time), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
