# SPDX-License-Identifier: GPL-3.0-or-later
"""Attest: sign what is said of digests, and only where the same signer has not said the same already."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._cosign import bundle, predicates, verdicts
from ..._cosign.bundle_writer import build_attestation
from ..._cosign.signatory import NamedByKey
from ..._registry.errors import BadAnswer
from ..._registry.locks import exclusive
from ..._shared.errors import GitopsError
from .. import batch
from .._case import QUIET, Outcome, would_fail
from .attestation_format import AttestationFormat
from .bundle_format import write_statement
from .formats import FORMATS
from .signatures import Writing
from .subject import Subject, look

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.predicates import Kind, Predicate
    from ..._cosign.signatory import Named
    from ..._cosign.signer import Signer
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress


@dataclass(frozen=True)
class AttestRequest:
    """One digest, and what is to be said of it."""

    reference: Reference
    kind: Kind
    predicate: Predicate


@dataclass
class AttestItem:
    """The plan for one request: what it is about, and whether the attestation is there."""

    request: AttestRequest
    subject: Subject
    present: bool = False
    warnings: list[str] = field(default_factory=list)


Plan = list[AttestItem | GitopsError]


class Attest:
    """The use-case of cosign_attest. One signer serves the whole batch."""

    def __init__(
        self,
        requests: t.Sequence[AttestRequest],
        registries: Registries,
        signer: Signer,
        progress: Progress = QUIET,
        *,
        named: Named | None = None,
        concurrency: int = 4,
    ) -> None:
        self._requests = requests
        self._registries = registries
        self._batch = batch.Batch(progress, concurrency)
        self._signer = signer
        self._named = named or NamedByKey(signer)

    def plan(self) -> Plan:
        """Look for each artifact, and for what was said of it already."""
        return self._batch.each("looked at", self._plan_item, self._requests)

    def predict(self, plan: Plan) -> Outcome:
        """What would be attested."""
        outcome = self._outcome(plan, "would attest")
        outcome.warnings += would_fail(*(item.subject.blocked for item in plan if isinstance(item, AttestItem)))
        return outcome

    def apply(self, plan: Plan) -> Outcome:
        """Attest what is missing, unless another process of this host has."""
        return self._outcome(self._batch.each("attested", self._apply_item, plan), "attested")

    def _plan_item(self, request: AttestRequest) -> AttestItem:
        reference = request.reference
        registry = self._registries.get(reference.host)
        item = AttestItem(request, look(registry, reference))
        if item.subject.descriptor is None:
            item.warnings += item.subject.warnings
            return item
        signed = self._look(registry, item)
        item.warnings += self._counted(reference, signed) + _hiding(registry, reference)
        return item

    def _look(self, registry: Registry, item: AttestItem) -> bool:
        """Note whether the attestation is there, and say whether a signature by this signer is.

        Of every bundle, since whoever attests with the key that signs has to hear of it.
        """
        request, digest = item.request, t.cast(str, item.request.reference.digest)
        form, signed = AttestationFormat(request.kind.uri), False
        for stored in form.listing(registry, request.reference.repository, digest):
            if stored.content is None or stored.fault:
                continue
            finding = form.judge(stored, digest, self._named.signatory.trust, {}, as_flux=False)
            signed = signed or (finding.predicate_type == bundle.SIGN_PREDICATE and finding.key is not None)
            if finding.verdict is verdicts.Verdict.VERIFIED:
                said = finding.predicate or {}
                item.present = item.present or predicates.same(request.kind, said, request.predicate)
        return signed

    def _counted(self, reference: Reference, signed: bool) -> list[str]:
        told = (
            f"{reference} is signed with the key that attests it. Flux looks at no predicate: to a Flux that trusts"
            " this key, any attestation by it is a signature. Attest with a key of its own"
        )
        return [told] if signed else []

    def _apply_item(self, item: AttestItem) -> AttestItem:
        request, subject = item.request, item.subject.required()
        if item.present:
            return item
        registry = self._registries.get(request.reference.host)
        self._named.prepare()
        with exclusive(f"sign {request.reference}"):
            self._look(registry, item)  # another process of this host may have been faster
            if not item.present:
                kind = request.kind.uri
                statement = build_attestation(request.reference.name, subject.digest, kind, request.predicate)
                write_statement(Writing(registry, request.reference, subject, self._signer, {}), statement, kind)
        return item

    def _outcome(self, done: Plan, verb: str) -> Outcome:
        names = [str(request.reference) for request in self._requests]
        who = self._named.signatory
        outcome = Outcome(failure=batch.failure(names, done))
        listed: list[dict[str, t.Any]] = []
        before, after = "", ""
        for request, item in zip(self._requests, done, strict=True):
            kind = request.kind.uri
            base = {"reference": str(request.reference), "digest": request.reference.digest}
            base |= {"key": who.key, "predicate_type": kind}
            if isinstance(item, GitopsError):
                listed.append({**base, "failure": item.as_failure()})
                continue
            listed.append({**base, "present": item.present})
            outcome.warnings += item.warnings
            if not item.present:
                before += f"{request.reference}: no such attestation of type {kind} by {who.name}\n"
                after += f"{request.reference}: attestation of type {kind} by {who.name}\n"
                outcome.actions.append(f"{verb} {request.reference} ({kind})")
        outcome.changed = bool(outcome.actions)
        outcome.warnings = list(dict.fromkeys(outcome.warnings))
        outcome.values = {"attestations": listed, **who.values}
        outcome.diff = {"before": before, "after": after}
        return outcome


def _hiding(registry: Registry, reference: Reference) -> list[str]:
    """Why Flux may no longer see a signature, in a sentence."""
    legacy, bundles = FORMATS["legacy"], FORMATS["bundle"]
    where = (registry, reference.repository, t.cast(str, reference.digest))
    told = (
        f"{reference} has a legacy signature and no bundle yet. An attestation is a bundle, and hides the legacy"
        " signature from cosign 3, and from Flux 2.8 and later; sign it with format=both"
    )
    try:
        hidden = any(legacy.listing(*where)) and not any(map(bundles.hides_others, bundles.listing(*where)))
    except BadAnswer:  # nonsense in the place of a signature is for cosign_verify to say
        return []
    return [told] if hidden else []
