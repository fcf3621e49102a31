# SPDX-License-Identifier: GPL-3.0-or-later
"""A Signer by a key in a store, which also knows who signs."""

from __future__ import annotations

import hashlib
import typing as t

from .._cosign.keys import UnusableKey
from .._cosign.signatory import Signatory
from .._cosign.signer import Material

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Store

_LONGEST = 1024  # bytes of a signature; one by RSA 4096 has 512


class StoreSigner:
    """Its public key is asked for once, at the start: so the version of the key is the same for a whole batch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        stored = store.public_key()
        self.public = stored.public
        self.signatory = Signatory.of_key(stored.public, stored.version)
        refusal = self.public.signing_refusal or stored.refusal
        if refusal:
            raise UnusableKey(f"{store.named.where}: {refusal}", kind=self.public.kind)

    def sign(self, data: bytes) -> bytes:
        """As Signer has it. What the store gives is proven before anybody else sees it."""
        signature = self._store.sign(hashlib.sha256(data).digest())
        if len(signature) > _LONGEST or not self.public.verify(signature, data):
            raise self._store.named.bad(f"gives a signature that its own public key {self.public.fingerprint} refuses")
        return signature

    def material(self, signature: bytes) -> Material:
        """As with any key: the hint, and nothing else."""
        del signature
        return Material(hint=self.public.hint)

    def prepare(self) -> None:
        """Nothing more is to be known."""
