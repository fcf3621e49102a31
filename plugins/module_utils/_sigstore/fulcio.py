# SPDX-License-Identifier: GPL-3.0-or-later
"""Fulcio: a certificate for a key and an identity token, valid for some minutes.

Source: fulcio, fulcio.proto, CreateSigningCertificate (POST /api/v2/signingCert).
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from .._cosign.certificate import Identity, UnnamedCertificate, identity_of
from .._shared import base64, shapes, strict_json
from .._shared.requirements import third_party
from . import errors

if t.TYPE_CHECKING:  # pragma: no cover
    from .service import Service
    from .token import IdentityToken

with third_party():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

_SKEW = datetime.timedelta(seconds=60)


@dataclass(frozen=True)
class Certified:
    """A key in memory, its certificate (DER), and the chain above it as PEM text, as Fulcio gave it."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    chain: tuple[str, ...] = field(repr=False)
    identity: Identity

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def certify(service: Service, token: IdentityToken, now: datetime.datetime) -> Certified:
    """A new key with its certificate. The token goes to this service alone, and never over plain HTTP beyond here."""
    if service.origin.scheme == "http" and not service.origin.loopback:
        raise errors.Refused(
            f"{service.name} is plain HTTP, and the identity token would be read on the way", service=service.url
        )
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    body = strict_json.compact({"certificateSigningRequest": base64.encode(pem)})
    headers = {"Authorization": f"Bearer {token.raw}", "Content-Type": "application/json", "Accept": "application/json"}
    reply = service.post("/api/v2/signingCert", body, headers)
    if not 200 <= reply.status < 300:
        raise service.refused(reply, token.raw)
    return _certified(service, key, service.object(reply), now)


def _certified(
    service: Service, key: ec.EllipticCurvePrivateKey, answer: dict[str, t.Any], now: datetime.datetime
) -> Certified:
    if "signedCertificateDetachedSct" in answer:
        raise service.bad(
            "the certificate does not have its timestamp of certificate transparency inside, which is needed"
        )
    listed = shapes.at(answer, "signedCertificateEmbeddedSct", "chain", "certificates")
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        raise service.bad("no certificate in its answer")
    try:
        certificate = x509.load_pem_x509_certificate(listed[0].encode())
        ours = certificate.public_key() == key.public_key()
        identity = identity_of(certificate)
    except UnnamedCertificate as error:
        raise service.bad(f"a certificate {error}") from None
    except ValueError:
        raise service.bad("no certificate in its answer") from None
    if not ours:
        raise service.bad("a certificate for another key")
    _check_clock(service, certificate, now)
    return Certified(key, certificate, tuple(listed[1:]), identity)


def _check_clock(service: Service, certificate: x509.Certificate, now: datetime.datetime) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if start - _SKEW <= now < end:
        return
    raise errors.WrongClock(
        f"{service.name} gave a certificate that is valid from {start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC, and the"
        f" clock of this machine says {now:%Y-%m-%d %H:%M:%S}; set it right",
        service=service.url,
    )
