# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust in identities: who may have signed keyless, by whose word, proven by a trusted root.

Sources: cosign, pkg/cosign/verify.go (CheckCertificatePolicy); sigstore-go, pkg/verify/certificate_identity.go. Unlike
there, a pattern always has to match all of a value.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, field

from .legacy_annotations import CERTIFICATE
from .policy import EmptyTrust, Judgement

if t.TYPE_CHECKING:  # pragma: no cover
    from cryptography import x509

    from .certificate import Identity
    from .keyless_proof import Prover
    from .policy import Evidence
    from .trusted_root import TrustedRoot


class Text(t.Protocol):
    """What a text is compared with."""

    def matches(self, text: str) -> bool:
        """Whether it is the text, or one of the texts, that is meant."""

    def __str__(self) -> str:
        """For a message."""


@dataclass(frozen=True)
class Exactly:
    """One text, every character of it."""

    text: str

    def matches(self, text: str) -> bool:
        return text == self.text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Wanted:
    """One identity that may sign: name and issuer both, and what else the certificate has to claim."""

    name: Text
    issuer: Text
    claims: t.Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ({self.issuer})"

    def difference(self, found: Identity) -> str:
        """In what it is not, as part of a sentence; empty where it is."""
        if not self.name.matches(found.name):
            return f"not {self.name}"
        if not self.issuer.matches(found.issuer):
            return f"not by the word of {self.issuer}"
        for claim, value in self.claims.items():
            if found.claims.get(claim) != value:
                return f"its {claim} is {found.claims.get(claim, '')[:200]!r}, not {value!r}"
        return ""


class Identities:
    """Identities, any one of which is enough. A signer is named as `identity (issuer)`."""

    def __init__(self, wanted: t.Iterable[Wanted], root: TrustedRoot, prover: Prover | None = None) -> None:
        self._wanted = tuple(wanted)
        self._root = root
        self._prover = prover
        self.timed = False  # whether judge() says when; that takes another look at the time stamps
        if not self._wanted:
            raise EmptyTrust("no identity")

    @property
    def most(self) -> float:
        """How many different signers there can be: any number where a pattern is among them."""
        exact = all(isinstance(text, Exactly) for one in self._wanted for text in (one.name, one.issuer))
        return len({str(one) for one in self._wanted}) if exact else math.inf

    def judge(self, evidence: Evidence) -> Judgement:
        if evidence.certificate is None and not evidence.beside.get(CERTIFICATE):
            return Judgement(None, "a signature by a key, where identities are asked for")
        from .certificate import UnnamedCertificate, identity_of
        from .keyless_proof import Unproven

        try:
            found = identity_of(self._prove(evidence))
            when = self._time(evidence) if self.timed else None
        except Unproven as error:
            return Judgement(None, f"a keyless signature that is not proven: {error}")
        except UnnamedCertificate as error:
            return Judgement(None, f"a keyless signature by a certificate {error}")
        differences = [wanted.difference(found) for wanted in self._wanted]
        if "" in differences:
            return Judgement(str(found), identity=found, time=when)
        said = differences[0] if len(differences) == 1 else f"none of the {len(differences)} identities asked for"
        return Judgement(None, f"valid, but by {found}: {said}", found)

    def _time(self, evidence: Evidence) -> float | None:
        return self._proof().time_of(evidence.bundle, evidence.beside, evidence.signature)

    def _prove(self, evidence: Evidence) -> x509.Certificate:
        if evidence.certificate is not None:
            return self._proof().prove_bundle(evidence.bundle)
        return self._proof().prove_legacy(evidence.beside, evidence.signature, evidence.data)

    def _proof(self) -> Prover:
        if self._prover is None:
            from .keyless_proof import Prover

            self._prover = Prover(self._root)
        return self._prover

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        return frozenset(signer for signer in signers if self._knows(signer))

    def _knows(self, signer: str) -> bool:
        # An issuer has no white space in it, so that the last " (" is the one that we wrote.
        name, _mark, issuer = signer.removesuffix(")").rpartition(" (")
        return any(wanted.name.matches(name) and wanted.issuer.matches(issuer) for wanted in self._wanted)

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return bool(self.accepted(signers))

    def lacking(self, signers: t.Collection[str]) -> str:
        return f"signed by {len(self.accepted(signers))} of the identities"
