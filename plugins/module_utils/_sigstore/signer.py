# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyless Signer: a certificate for a batch, and for each signature what proves it later without it.

Nothing leaves here that the trusted root does not prove: a log that answers nonsense, a missing time stamp or the
services of another instance are errors before anything is published.
"""

from __future__ import annotations

import datetime
import threading
import typing as t
from dataclasses import dataclass

from .._cosign.bundle_writer import build_bundle
from .._cosign.identities import Exactly, Identities, Wanted
from .._cosign.keyless_proof import Prover, Unproven
from .._cosign.keys import PublicKey
from .._cosign.pem import read_pem
from .._cosign.signatory import Signatory
from .._cosign.signer import Material
from .._cosign.simple_signing_writer import NO_PROMISE, LegacySignature
from .._shared.errors import InvalidOption
from .._shared.requirements import third_party
from . import fulcio, rekor, timestamp
from .errors import BadAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.trusted_root import TrustedRoot
    from .fulcio import Certified
    from .service import Service
    from .token import IdentityToken

with third_party():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

_RENEW = datetime.timedelta(seconds=30)  # before the end: log and time stamp come after the signature
_TRIES = 3


@dataclass(frozen=True)
class Services:
    """What signs: Fulcio (None where keys sign), logs with the version of their API, and time stamp authorities."""

    fulcio: Service | None
    logs: tuple[tuple[Service, int], ...]
    timestamps: tuple[Service, ...]


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
        return self._public(self._current())

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
        """InvalidOption for a format that these services cannot serve."""
        if "legacy" in formats and any(version != 1 for _service, version in self._services.logs):
            raise InvalidOption("format", NO_PROMISE)

    def prepare(self) -> None:
        """Have a certificate, so that the signatory is certain."""
        self._current()

    def sign(self, data: bytes) -> bytes:
        """A signature that is logged and stamped, which material() has the proof of."""
        payload = rekor.payload_of(data)
        for _try in range(_TRIES):
            certified = self._current()
            signature = certified.key.sign(data, ec.ECDSA(hashes.SHA256()))
            pem = certified.pem.encode()
            public = read_pem(self._public(certified).pem, "certificate")[1]
            signed = rekor.Signed(data, signature, payload, certified.der, public, pem)
            try:
                material = self._material(certified, signed)
            except rekor.AlreadyLogged:  # Rekor v2, whose answer was lost; an ECDSA signature is another one each time
                continue
            self._made[signature] = material
            return signature
        raise BadAnswer(f"{self._services.logs[0][0].name}: says {_TRIES} times that it has a new signature already")

    def material(self, signature: bytes) -> Material:
        return self._made.pop(signature)

    def _material(self, certified: Certified, signed: rekor.Signed) -> Material:
        stamps = tuple(timestamp.stamp(service, signed.signature) for service in self._services.timestamps)
        entries = tuple(rekor.add(service, version, signed) for service, version in self._services.logs)
        material = Material("", certified.der, entries, stamps, certified.chain)
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

    @staticmethod
    def _public(certified: Certified) -> PublicKey:
        return PublicKey.of(certified.certificate.public_key(), "certificate")
