# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust in keys whose signatures are in a transparency log, too: what `cosign verify --key` asks for by default."""

from __future__ import annotations

import typing as t

from .keyless_proof import Prover, Unproven
from .log_body import Logged
from .pem import read_pem
from .policy import Judgement

if t.TYPE_CHECKING:  # pragma: no cover
    from .keys import PublicKey
    from .policy import Evidence, Keys
    from .trusted_root import TrustedRoot


class LoggedKeys:
    """The same keys; a signature by one of them counts where a log of the trusted root has it."""

    def __init__(self, keys: Keys, root: TrustedRoot) -> None:
        self._keys = keys
        self._prover = Prover(root)

    def judge(self, evidence: Evidence) -> Judgement:
        judgement = self._keys.judge(evidence)
        key = self._keys.get(judgement.signer) if judgement.signer is not None else None
        if key is None:
            return judgement
        try:
            self._prover.prove_entry(evidence.bundle, evidence.beside, logged(key, evidence))
        except Unproven as error:
            return Judgement(None, f"by the given key {key.fingerprint}, but not proven to be in a log: {error}")
        return judgement

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        return self._keys.accepted(signers)

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return self._keys.satisfied(signers)

    def lacking(self, signers: t.Collection[str]) -> str:
        return self._keys.lacking(signers)


def logged(key: PublicKey, evidence: Evidence) -> Logged:
    """What the log has to have of a signature by a key."""
    return Logged(evidence.signature, evidence.data, evidence.payload, read_pem(key.pem, "key")[1], key.pem)
