# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove signatures: one verdict for each reference, with every signature's own reason."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._cosign import bundle, verdicts
from ..._cosign.verdicts import Finding, Verdict
from ..._flux.version import FluxVersion, reads_bundles, reads_bundles_over_plain_http
from ..._oci.descriptor import MalformedManifest
from ..._registry.errors import BadAnswer, RegistryError
from ..._shared.addresses import is_loopback
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from ..._shared.strict_json import MalformedJson
from .. import batch
from .._case import QUIET, Outcome
from . import signatures

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.keys import PublicKey
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress


class VerificationFailed(GitopsError):
    """A reference is not verified; `details.verdict` says how."""

    code = "not_verified"


@dataclass(frozen=True)
class Policy:
    """What must hold: `threshold` different keys of `keys` signed, each with at least `annotations`.

    With `flux_version` the answer is that Flux's own: which formats it reads, and in which order.
    """

    keys: tuple[PublicKey, ...]
    threshold: int = 1
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
        self._progress = progress
        self._report_only = report_only
        self._concurrency = concurrency

    def plan(self) -> list[Judged | GitopsError]:
        self._progress.start("judged", len(self._references), "references")
        return batch.each(self._judge, self._references, self._concurrency, self._progress.advance)

    def predict(self, plan: list[Judged | GitopsError]) -> Outcome:
        return self.apply(plan)

    def apply(self, plan: list[Judged | GitopsError]) -> Outcome:
        judged = [item for item in plan if isinstance(item, Judged)]
        names = [str(reference) for reference in self._references]
        failures = [self._failure(item) for item in judged]
        listed = [item.describe() for item in judged]
        return Outcome(
            values={"verdicts": listed, "verified": all(item["verified"] for item in listed)},
            failure=batch.failure(names, failures),
        )

    def _failure(self, item: Judged) -> GitopsError | None:
        """report_only turns refusals into results, but never "could not ask" into one."""
        if item.verdict is Verdict.VERIFIED or (self._report_only and item.verdict is not Verdict.UNREACHABLE):
            return None
        return VerificationFailed(
            f"{item.reference}: {item.verdict.value}: {item.reason}",
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
                return Judged(reference, digest, Verdict.UNREACHABLE, "the registry has no such artifact")
            digest = of_bytes(answer[0])
            findings = self._findings(registry, reference, digest)
        except BadAnswer as error:
            verdict = Verdict.TAMPERED if signatures.is_tampered(error) else Verdict.UNREACHABLE
            return Judged(reference, digest, verdict, error.message, error=error)
        except RegistryError as error:
            return Judged(reference, digest, Verdict.UNREACHABLE, error.message, error=error)
        verdict = verdicts.overall(findings, self._policy.threshold)
        return Judged(reference, digest, verdict, self._reason(verdict, findings), findings)

    def _findings(self, registry: Registry, reference: Reference, digest: str) -> list[Finding]:
        """What each signature proves; for a Flux version only the signatures that this version would look at."""
        findings, hidden = self._bundle_findings(registry, reference, digest)
        if hidden:
            return findings
        try:
            legacy = signatures.read_legacy(registry, reference.repository, digest)
        except (MalformedManifest, MalformedJson) as error:
            legacy = iter([signatures.Stored("legacy", digest, fault=error.message)])
        return findings + [self._judge_stored(stored, digest) for stored in legacy]

    def _bundle_findings(self, registry: Registry, reference: Reference, digest: str) -> tuple[list[Finding], bool]:
        """What the bundles prove, and whether they hide legacy signatures from the Flux in question."""
        where = (registry, reference.repository, digest)
        if not self._sees_bundles(registry, reference):
            return [], False
        if self._policy.flux_version is not None:  # it asks the API first, and so do we
            judged = [(self._judge_stored(one, digest), _hides_legacy(one)) for one in signatures.read_bundles(*where)]
            return [finding for finding, _hides in judged], any(hides for _finding, hides in judged)
        findings: list[Finding] = []
        for listed in signatures.bundle_listings(*where):
            findings = [self._judge_stored(one, digest) for one in listed]
            if verdicts.overall(findings, self._policy.threshold) is Verdict.VERIFIED:
                break
        return findings, False

    def _sees_bundles(self, registry: Registry, reference: Reference) -> bool:
        version = self._policy.flux_version
        if version is None:
            return True
        if registry.plain_http and not is_loopback(reference.host):
            return reads_bundles_over_plain_http(version)
        return reads_bundles(version)

    def _judge_stored(self, stored: signatures.Stored, digest: str) -> Finding:
        policy = self._policy
        keys = policy.keys
        if policy.flux_version is not None:
            keys = tuple(key for key in keys if key.flux_verifiable)
        if stored.content is None:
            verdict = Verdict.TAMPERED if stored.tampered else Verdict.MALFORMED
            return Finding(verdict, stored.format, stored.fault, location=stored.digest)
        if stored.format == "legacy":
            finding = verdicts.judge_legacy(stored.content, stored.signature, digest, keys, policy.annotations)
        else:
            predicate = bundle.SIGN_PREDICATE if policy.flux_version is None else None
            finding = verdicts.judge_bundle(stored.content, digest, keys, policy.annotations, predicate)
        # Flux reads a bundle without a look at what its referrer says of itself.
        if stored.fault and policy.flux_version is None and finding.verdict is Verdict.VERIFIED:
            finding = replace(finding, verdict=Verdict.MALFORMED, reason=stored.fault)
        return replace(finding, location=stored.digest)

    def _reason(self, verdict: Verdict, findings: list[Finding]) -> str:
        """The reason of the first signature that had this verdict, or what is true of them all."""
        if verdict is Verdict.VERIFIED or verdict is Verdict.UNSIGNED:
            return verdicts.describe(verdict)
        passed = {finding.key for finding in findings if finding.verdict is Verdict.VERIFIED}
        if passed and self._policy.threshold > 1:
            return f"signed by {len(passed)} of the given keys, where {self._policy.threshold} are wanted"
        return next((finding.reason for finding in findings if finding.verdict is verdict), verdicts.describe(verdict))


def _hides_legacy(stored: signatures.Stored) -> bool:
    """Whether Flux takes it for a bundle, however that one's verification ends: it asks no further then."""
    return stored.content is not None and bundle.is_readable(stored.content)


def _describe(finding: Finding) -> dict[str, t.Any]:
    return {
        "format": finding.format,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "key": finding.key,
        "digest": finding.location,
        "annotations": dict(finding.annotations),
        "predicate_type": finding.predicate_type,
    }
