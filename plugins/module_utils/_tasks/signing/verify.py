# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove signatures: one verdict for each reference, with every signature's own reason."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._cosign import verdicts
from ..._cosign.verdicts import Finding, Verdict
from ..._oci.descriptor import MalformedManifest, check_document
from ..._registry.errors import BadAnswer, RegistryError
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from ..._shared.strict_json import MalformedJson
from .. import batch
from .._case import QUIET, Outcome
from .formats import FORMATS, visible
from .signatures import is_tampered

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.policy import Trust
    from ..._flux.version import FluxVersion
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress
    from .signatures import Format, Stored


class VerificationFailed(GitopsError):
    """A reference is not verified; `details.verdict` says how."""

    code = "not_verified"


@dataclass(frozen=True)
class Policy:
    """What must hold: those who signed satisfy `trust`, each with at least `annotations`.

    With `flux_version` the answer is that Flux's own: which formats it reads, and in which order.
    """

    trust: Trust
    annotations: t.Mapping[str, str] = field(default_factory=dict)
    flux_version: FluxVersion | None = None


@dataclass
class Judged:
    """The verdict on one reference. `digest` is None where it could not be found out."""

    reference: Reference
    digest: str | None
    verdict: Verdict
    reason: str
    findings: list[Finding] = field(default_factory=list)
    error: GitopsError | None = None

    def describe(self) -> dict[str, t.Any]:
        """The entry of `verdicts` in the result."""
        passed = [finding for finding in self.findings if finding.verdict is Verdict.VERIFIED]
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
        self._batch = batch.Batch(progress, concurrency, "references")
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
        verdict = verdicts.overall(findings, self._policy.trust)
        return Judged(reference, digest, verdict, self._reason(verdict, findings), findings)

    def _findings(self, registry: Registry, reference: Reference, digest: str) -> list[Finding]:
        """What each signature proves; for a Flux version only the signatures that this version would look at."""
        version, findings = self._policy.flux_version, list[Finding]()
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

    def _in_format(self, form: Format, registry: Registry, reference: Reference, digest: str) -> list[Finding]:
        """What the signatures of one format prove, until they are enough."""
        findings: list[Finding] = []
        try:
            for listed in form.listings(registry, reference.repository, digest):
                findings = [self._judge_stored(form, one, digest) for one in listed]
                if self._policy.trust.satisfied(verdicts.signers(findings)):
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
    }
