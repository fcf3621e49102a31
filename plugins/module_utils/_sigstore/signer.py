# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyless Signer: a certificate for a batch, and for each signature what proves it later without it.

Nothing leaves here that the trusted root does not prove: a log that answers nonsense, a missing time stamp or the
services of another instance are errors before anything is published.
"""

from __future__ import annotations

import datetime
import threading
import typing as t

from .._cosign.bundle_writer import build_bundle
from .._cosign.identities import Exactly, Identities, Wanted
from .._cosign.keyless_proof import Prover, Unproven
from .._cosign.keys import PublicKey
from .._cosign.pem import read_pem
from .._cosign.signatory import Signatory
from .._cosign.signer import Material
from .._cosign.simple_signing_writer import LegacySignature
from .._shared.requirements import third_party
from . import fulcio, rekor
from .errors import BadAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.trusted_root import TrustedRoot
    from .fulcio import Certified
    from .services import Services, Witnessed
    from .token import IdentityToken

with third_party():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

_RENEW = datetime.timedelta(seconds=30)  # before the end: log and time stamp come after the signature


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class KeylessSigner:
    """Signs with a key that lives as long as its certificate. `tokens` gives a token that is valid now, or NoToken."""

    def __init__(
        self,
        services: Services,
        tokens: t.Callable[[], IdentityToken],
        root: TrustedRoot,
        now: t.Callable[[], datetime.datetime] = _utc_now,
    ) -> None:
        if services.fulcio is None:
            raise ValueError("no Fulcio")
        self._services = services
        self._fulcio = services.fulcio
        self._tokens = tokens
        self._root = root
        self._prover = Prover(root)
        self._now = now
        self._lock = threading.Lock()
        self._certified: Certified | None = None
        self._made: dict[bytes, Material] = {}

    @property
    def public(self) -> PublicKey:
        """The key of the certificate that signs now."""
        return _public(self._current())

    @property
    def signatory(self) -> Signatory:
        """By the certificate once there is one; until then by what the token says, and nobody is asked."""
        if self._certified is not None:
            name, issuer = self._certified.identity.name, self._certified.identity.issuer
        else:
            token = self._tokens()
            name, issuer = token.identity, token.issuer
        trust = Identities([Wanted(Exactly(name), Exactly(issuer))], self._root, self._prover)
        return Signatory(f"{name} ({issuer})", trust, identity=name, issuer=issuer)

    def check_format(self, formats: t.Collection[str]) -> None:
        """See Services."""
        self._services.check_format(formats)

    def prepare(self) -> None:
        """Have a certificate, so that the signatory is certain."""
        self._current()

    def sign(self, data: bytes) -> bytes:
        """A signature that is logged and stamped, which material() has the proof of."""
        used: list[Certified] = []

        def sign() -> rekor.Signed:
            used.append(self._current())
            return _signed(used[-1], data)

        witnessed = self._services.witness(sign)
        self._made[witnessed.signed.signature] = self._material(used[-1], witnessed)
        return witnessed.signed.signature

    def material(self, signature: bytes) -> Material:
        return self._made.pop(signature)

    def _material(self, certified: Certified, witnessed: Witnessed) -> Material:
        signed = witnessed.signed
        material = Material("", certified.der, witnessed.entries, witnessed.timestamps, certified.chain)
        try:
            if signed.payload is not None:
                self._prover.prove_bundle(build_bundle(signed.payload, signed.signature, material))
            else:
                beside = LegacySignature.of(signed.data, signed.signature, material).annotations
                self._prover.prove_legacy(beside, signed.signature, signed.data)
        except Unproven as error:
            raise BadAnswer(
                f"the services of the signing config gave a signature that the trusted root does not prove: {error}"
            ) from None
        return material

    def _current(self) -> Certified:
        """The certificate, or a new one where its time is nearly over."""
        with self._lock:
            now = self._now()
            if self._certified is None or self._certified.certificate.not_valid_after_utc - _RENEW < now:
                self._certified = fulcio.certify(self._fulcio, self._tokens(), now)
            return self._certified


def _public(certified: Certified) -> PublicKey:
    return PublicKey.of(certified.certificate.public_key(), "certificate")


def _signed(certified: Certified, data: bytes) -> rekor.Signed:
    signature = certified.key.sign(data, ec.ECDSA(hashes.SHA256()))
    public = read_pem(_public(certified).pem, "certificate")[1]
    return rekor.Signed(data, signature, rekor.payload_of(data), certified.der, public, certified.pem.encode())
