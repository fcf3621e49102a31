# SPDX-License-Identifier: GPL-3.0-or-later
"""From signatures to a verdict. Pure, and total: hostile bytes give a finding, never an exception.

The signature is checked before a word of the payload is believed. So:

- parsable by its format's rules, or MALFORMED;
- valid by whom we trust (policy.py), or WRONG_KEY, whatever it claims (a keyless signature is by no key);
- its payload follows the rules, or MALFORMED; it is about the digest in question, or TAMPERED: somebody moved it here;
- it says "signed" and not something else. A statement of another predicate (an SBOM, a provenance) by the right key
  about the right digest is no signature: UNSIGNED, so that it neither passes for one nor hides that there is none;
- it has the requested annotations, or WRONG_IDENTITY: the right key says it, but of something else than what was
  asked for (`env: prod`, say), or beside a certificate that is not valid today. cosign has one answer, "no matching
  signatures", for this and for a wrong key.

Sources: cosign, pkg/cosign/{verify,verifiers}.go; sigstore-go, pkg/verify; the advisories that the tests name.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from enum import StrEnum

from . import bundle as bundles
from . import legacy_annotations
from . import simple_signing as legacy
from .malformed import MalformedSignature
from .policy import Evidence

if t.TYPE_CHECKING:  # pragma: no cover
    from .certificate import Identity
    from .policy import Judgement, Trust


class Verdict(StrEnum):
    """What can be said of a reference, or of one of its signatures."""

    VERIFIED = "verified"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not_found"
    TAMPERED = "tampered"
    MALFORMED = "malformed"
    WRONG_IDENTITY = "wrong_identity"
    WRONG_KEY = "wrong_key"
    UNSIGNED = "unsigned"


# Which refusal speaks for all, where several occurred: the first of these.
_GRAVEST_FIRST = (
    Verdict.UNREACHABLE,
    Verdict.NOT_FOUND,
    Verdict.TAMPERED,
    Verdict.MALFORMED,
    Verdict.WRONG_IDENTITY,
    Verdict.WRONG_KEY,
    Verdict.UNSIGNED,
)
_SENTENCES = {
    Verdict.VERIFIED: "signed by as many of those who were asked for as are needed",
    Verdict.UNREACHABLE: "the registry could not be asked",
    Verdict.NOT_FOUND: "the registry has no such artifact, or does not show it to these credentials",
    Verdict.TAMPERED: "a signature by a given key is here, but for another digest, or bytes do not match their digest",
    Verdict.MALFORMED: "a signature is here that does not follow the rules of its format",
    Verdict.WRONG_IDENTITY: "a valid signature is here, but not with the identity or annotations asked for",
    Verdict.WRONG_KEY: "signatures are here, but not by (enough of) the given keys",
    Verdict.UNSIGNED: "no signature",
}


@dataclass(frozen=True)
class Finding:
    """One signature, judged.

    `key` is the signer of those trusted that the signature is valid by (whatever else is wrong with it).
    `location` says where it is (a digest or a tag); the caller knows. `annotations` are the signed ones, JSON values.
    `identity` is whom a proven certificate names, trusted or not. `predicate` is what a proven statement of the type
    that was asked for says; None for anything else. `time` is when it was made, where that is proven.
    """

    verdict: Verdict
    format: str
    reason: str
    key: str | None = None
    location: str | None = None
    annotations: t.Mapping[str, t.Any] = field(default_factory=dict)
    predicate_type: str | None = None
    identity: Identity | None = None
    predicate: t.Mapping[str, t.Any] | None = None
    time: float | None = None


def judge_legacy(
    payload: bytes,
    beside: t.Mapping[str, str],
    digest: str,
    trust: Trust,
    annotations: t.Mapping[str, str],
) -> Finding:
    """One layer of a `.sig` image. `beside` are the annotations of the layer, which hold the signature."""
    try:
        signature = legacy.parse_signature(beside.get(legacy_annotations.SIGNATURE))
        doubt = legacy_annotations.check(beside)
    except MalformedSignature as error:
        return Finding(Verdict.MALFORMED, "legacy", error.message)
    judgement = trust.judge(Evidence(signature, payload, beside=beside))
    if judgement.signer is None:
        return _not_trusted("legacy", judgement)
    try:
        claim = legacy.parse_payload(payload)
    except MalformedSignature as error:
        return Finding(Verdict.MALFORMED, "legacy", error.message, judgement.signer)
    verdict, reason = _compare(claim.digest, digest, claim.annotations, annotations)
    if doubt and verdict is Verdict.VERIFIED and judgement.identity is None:  # else it was valid when it signed
        verdict, reason = Verdict.WRONG_IDENTITY, doubt
    said, who = claim.annotations, judgement.identity
    when = judgement.time
    return Finding(verdict, "legacy", reason, judgement.signer, annotations=said, identity=who, time=when)


def judge_bundle(
    raw: bytes,
    digest: str,
    trust: Trust,
    annotations: t.Mapping[str, str],
    predicate: str | None = bundles.SIGN_PREDICATE,
    most: int = bundles.MAX_BUNDLE,
) -> Finding:
    """One bundle of at most `most` bytes.

    `predicate` is the type of statement that counts; None takes any for a signature, as Flux does.
    """
    try:
        bundle = bundles.parse_bundle(raw, most)
    except MalformedSignature as error:
        return Finding(Verdict.MALFORMED, "bundle", error.message)
    evidence = Evidence(bundle.signature, bundle.signed, bundle.certificate, bundle=bundle.raw, payload=bundle.payload)
    judgement = trust.judge(evidence)
    if judgement.signer is None:
        return _not_trusted("bundle", judgement)
    try:
        statement = bundles.parse_statement(bundle.payload)
    except MalformedSignature as error:
        return Finding(Verdict.MALFORMED, "bundle", error.message, judgement.signer)
    verdict, reason, subject = _judge_statement(statement, digest, annotations, predicate)
    said = statement.predicate if verdict is Verdict.VERIFIED and predicate == statement.predicate_type else None
    kind, who = statement.predicate_type, judgement.identity
    found = Finding(verdict, "bundle", reason, judgement.signer, None, subject.annotations, kind, who)
    return replace(found, predicate=said, time=judgement.time)


def _not_trusted(form: str, judgement: Judgement) -> Finding:
    verdict = Verdict.WRONG_IDENTITY if judgement.identity else Verdict.WRONG_KEY
    return Finding(verdict, form, judgement.reason, identity=judgement.identity)


def overall(findings: t.Sequence[Finding], trust: Trust) -> Verdict:
    """One verdict for all signatures of a digest: VERIFIED where those who signed it validly satisfy `trust`.

    Valid signatures by too few count as WRONG_KEY. No findings at all are UNSIGNED.
    """
    if trust.satisfied(signers(findings)):
        return Verdict.VERIFIED
    occurred = {Verdict.WRONG_KEY if f.verdict is Verdict.VERIFIED else f.verdict for f in findings}
    return next((verdict for verdict in _GRAVEST_FIRST if verdict in occurred), Verdict.UNSIGNED)


def signers(findings: t.Iterable[Finding]) -> tuple[str, ...]:
    """Who signed validly, of `findings`: each once, sorted."""
    return tuple(sorted({f.key for f in findings if f.verdict is Verdict.VERIFIED and f.key is not None}))


def describe(verdict: Verdict) -> str:
    """The verdict as a sentence for people."""
    return _SENTENCES[verdict]


def _judge_statement(
    statement: bundles.Statement, digest: str, annotations: t.Mapping[str, str], predicate: str | None
) -> tuple[Verdict, str, bundles.Subject]:
    # The first subject with the digest decides, as in cosign; without one, any will do to say what was found instead.
    subject = next((s for s in statement.subjects if s.digest == digest), statement.subjects[0])
    verdict, reason = _compare(subject.digest, digest, subject.annotations, annotations)
    if verdict is not Verdict.TAMPERED and predicate not in (None, statement.predicate_type):
        wanted = "a signature" if predicate == bundles.SIGN_PREDICATE else "what is asked for"
        reason = f"a statement of type {statement.predicate_type[:200]!r}, which is not {wanted} ({predicate})"
        return Verdict.UNSIGNED, reason, subject
    return verdict, reason, subject


def _compare(
    claimed: str | None, digest: str, signed: t.Mapping[str, t.Any], wanted: t.Mapping[str, str]
) -> tuple[Verdict, str]:
    if claimed != digest:
        return Verdict.TAMPERED, f"valid, but for {str(claimed)[:100]!r}, not for {digest}"
    for name, value in wanted.items():
        if name not in signed:
            return Verdict.WRONG_IDENTITY, f"valid, but without the annotation {name!r}"
        if signed[name] != value:
            return (
                Verdict.WRONG_IDENTITY,
                f"valid, but the annotation {name!r} is {str(signed[name])[:200]!r}, not {value!r}",
            )
    return Verdict.VERIFIED, "valid"
