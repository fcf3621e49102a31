# SPDX-License-Identifier: GPL-3.0-or-later
"""A key whose signatures are entered in a transparency log, on request: a Signer around another."""

from __future__ import annotations

import typing as t

from .._cosign.bundle_writer import build_bundle
from .._cosign.keyless_proof import Prover, Unproven
from .._cosign.log_body import Logged
from .._cosign.logged import LoggedKeys
from .._cosign.pem import read_pem
from .._cosign.policy import Keys
from .._cosign.signer import Material
from .._cosign.simple_signing_writer import LegacySignature
from . import rekor
from .errors import BadAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.keys import PublicKey
    from .._cosign.signatory import Named, Signatory
    from .._cosign.signer import Signer
    from .._cosign.trusted_root import TrustedRoot
    from .services import Services


class LoggedSigner:
    """Signs with `inner`. The entry is proven by the trusted root before it is published."""

    def __init__(self, inner: Signer, services: Services, root: TrustedRoot, named: Named) -> None:
        self._inner = inner
        self._services = services
        self._prover = Prover(root)
        self._made: dict[bytes, Material] = {}
        self._named = named
        self._trust = LoggedKeys(Keys([inner.public]), root)

    @property
    def public(self) -> PublicKey:
        return self._inner.public

    @property
    def signatory(self) -> Signatory:
        return self._named.signatory.trusting(self._trust)

    def prepare(self) -> None:
        self._named.prepare()

    def check_format(self, formats: t.Collection[str]) -> None:
        """See Services."""
        self._services.check_format(formats)

    def sign(self, data: bytes) -> bytes:
        """A signature that is logged and stamped, which material() has the proof of."""
        public = self._inner.public
        der, payload = read_pem(public.pem, "key")[1], rekor.payload_of(data)
        details = rekor.key_details(public)

        def sign() -> rekor.Signed:
            return rekor.Signed(data, self._inner.sign(data), payload, None, der, public.pem, details)

        witnessed = self._services.witness(sign)
        signature = witnessed.signed.signature
        material = Material(public.hint, None, witnessed.entries, witnessed.timestamps)
        self._prove(material, Logged(signature, data, payload, der, public.pem))
        self._made[signature] = material
        return signature

    def material(self, signature: bytes) -> Material:
        return self._made.pop(signature)

    def _prove(self, material: Material, logged: Logged) -> None:
        try:
            if logged.payload is not None:
                self._prover.prove_entry(build_bundle(logged.payload, logged.signature, material), {}, logged)
            else:
                beside = LegacySignature.of(logged.data, logged.signature, material).annotations
                self._prover.prove_entry(b"", beside, logged)
        except Unproven as error:
            raise BadAnswer(f"the log gave an entry that the trusted root does not prove: {error}") from None
