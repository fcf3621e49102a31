# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signature is judged by: whom we trust, and how many of them have to agree.

A verifier asks a Trust and knows none of its kinds; a new kind is a class with the same three methods.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:  # pragma: no cover
    from .certificate import Identity
    from .keys import PublicKey


class EmptyTrust(ValueError):
    """A trust in nobody, or in more than there are: a mistake of whoever made it, which must not pass as a policy."""


@dataclass(frozen=True)
class Evidence:
    """One signature, and what goes with it: `data` is what was signed, `certificate` the DER of a keyless signer.

    It was found in `bundle` (JSON), whose envelope is around `payload`, or with the annotations `beside` a legacy
    signature.
    """

    signature: bytes
    data: bytes
    certificate: bytes | None = None
    bundle: bytes = field(default=b"", repr=False)
    beside: t.Mapping[str, str] = field(default_factory=dict)
    payload: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Judgement:
    """`signer` names who signed, of those that are trusted; None with the `reason` why it is none of them.

    `identity` is whom a proven certificate names. Without a signer it is somebody who is not trusted. `time` is when,
    in Unix seconds, by the word of a trusted log or time stamp authority; None without such a word.
    """

    signer: str | None
    reason: str = ""
    identity: Identity | None = None
    time: float | None = None


class Trust(t.Protocol):
    """Whom a verifier trusts."""

    def judge(self, evidence: Evidence) -> Judgement:
        """Which of those trusted made a signature; never an exception."""

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        """Those of `signers`, as judge() names them, that count."""

    def satisfied(self, signers: t.Collection[str]) -> bool:
        """Whether signatures by `signers` are enough."""

    def lacking(self, signers: t.Collection[str]) -> str:
        """Why they are not, for people."""


class Keys:
    """Public keys, any one of which is enough. A signer is named by its key's fingerprint."""

    def __init__(self, keys: t.Iterable[PublicKey]) -> None:
        self._keys = tuple({key.fingerprint: key for key in keys}.values())
        if not self._keys:
            raise EmptyTrust("no key")

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, fingerprint: str) -> PublicKey | None:
        """The key of that name."""
        return next((key for key in self._keys if key.fingerprint == fingerprint), None)

    def judge(self, evidence: Evidence) -> Judgement:
        if evidence.certificate is not None:
            return Judgement(None, "a keyless signature (by a certificate), where keys are asked for")
        for key in self._keys:
            if key.verify(evidence.signature, evidence.data):
                return Judgement(key.fingerprint)
        return Judgement(None, self._why_not(evidence))

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        return frozenset(signers) & {key.fingerprint for key in self._keys}

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return bool(self.accepted(signers))

    def lacking(self, signers: t.Collection[str]) -> str:
        return f"signed by {len(self.accepted(signers))} of the given keys"

    def _why_not(self, evidence: Evidence) -> str:
        for key in self._keys:
            trap = key.near_miss(evidence.signature, evidence.data)
            if trap:
                return f"by the given key {key.fingerprint}, but not as it is verified: {trap}"
        return "not by " + ("the given key" if len(self._keys) == 1 else f"any of the {len(self._keys)} given keys")


class AnyOf:
    """Several trusts, any one of which is enough."""

    def __init__(self, trusts: t.Iterable[Trust]) -> None:
        self._trusts = tuple(trusts)
        if not self._trusts:
            raise EmptyTrust("no trust")

    def judge(self, evidence: Evidence) -> Judgement:
        judgements = [trust.judge(evidence) for trust in self._trusts]
        found = next((judgement for judgement in judgements if judgement.signer is not None), None)
        if found is not None:
            return found
        identity = next((judgement.identity for judgement in judgements if judgement.identity), None)
        return Judgement(None, "; ".join(dict.fromkeys(judgement.reason for judgement in judgements)), identity)

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        return frozenset().union(*(trust.accepted(signers) for trust in self._trusts))

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return any(trust.satisfied(signers) for trust in self._trusts)

    def lacking(self, signers: t.Collection[str]) -> str:
        return "; ".join(trust.lacking(signers) for trust in self._trusts)


class AtLeast:
    """So many different signers of another trust."""

    def __init__(self, count: int, trust: Trust) -> None:
        if count < 1:
            raise EmptyTrust("a threshold is at least 1")
        if isinstance(trust, Keys) and count > len(trust):
            raise EmptyTrust(f"{count} of {len(trust)} keys")
        self._count, self._trust = count, trust

    def judge(self, evidence: Evidence) -> Judgement:
        return self._trust.judge(evidence)

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        return self._trust.accepted(signers)

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return self._trust.satisfied(signers) and len(self.accepted(signers)) >= self._count

    def lacking(self, signers: t.Collection[str]) -> str:
        return f"{self._trust.lacking(signers)}, where {self._count} are wanted"
