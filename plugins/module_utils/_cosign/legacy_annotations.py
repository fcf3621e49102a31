# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands beside a legacy signature: certificate, chain, log entry, time stamp, in annotations of its layer.

Nothing of it is trusted here. But cosign and Flux read all of it first, also where they verify with a key, and refuse
the signature where one is unreadable, or the certificate is not valid today.
Sources: cosign, pkg/oci/internal/signature/layer.go, pkg/oci/static/signature.go (Copy), pkg/cosign/verify.go
(verifyInternal, CheckExpiry), pkg/cosign/bundle; sigstore, pkg/cryptoutils/certificate.go.
"""

from __future__ import annotations

import datetime
import typing as t

from .._shared import base64, strict_json
from .._shared.requirements import third_party
from .malformed import MalformedSignature
from .pem import UnreadableKey, read_certificates

with third_party():
    from cryptography.exceptions import UnsupportedAlgorithm

SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
BUNDLE = "dev.sigstore.cosign/bundle"
TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp"

_INT64 = range(-(1 << 63), 1 << 63)

if t.TYPE_CHECKING:  # pragma: no cover
    from cryptography.x509 import Certificate


def check(annotations: t.Mapping[str, str]) -> str:
    """Why the signature does not count today, whoever made it; empty if it does. MalformedSignature names what is
    unreadable.

    Stricter than cosign where it takes JSON with two spellings, text between certificates, or white space for none,
    by which cosign 2 crashes.
    """
    _check_log_entry(annotations.get(BUNDLE, ""))
    _check_timestamp(annotations.get(TIMESTAMP, ""))
    certificates = _certificates(annotations, CERTIFICATE)
    if not certificates:
        return ""
    _certificates(annotations, CHAIN)
    return _expiry(certificates[0])


def _check_log_entry(text: str) -> None:
    entry = _object(text, BUNDLE, {"SignedEntryTimestamp", "Payload"})
    payload = entry.get("Payload")
    payload = {} if payload is None else payload
    numbers = [payload.get(name) for name in ("integratedTime", "logIndex")] if isinstance(payload, dict) else ["none"]
    if not all(number is None or _is_int64(number) for number in numbers):
        raise MalformedSignature(f"the annotation {BUNDLE} is not a log entry")
    if not isinstance(payload.get("logID", ""), str | None) or strict_json.lookalike(
        payload, ("body", "integratedTime", "logIndex", "logID")
    ):
        raise MalformedSignature(f"the annotation {BUNDLE} is not a log entry")
    _check_binary(entry.get("SignedEntryTimestamp"), BUNDLE)


def _is_int64(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number in _INT64


def _check_timestamp(text: str) -> None:
    _check_binary(_object(text, TIMESTAMP, {"SignedRFC3161Timestamp"}).get("SignedRFC3161Timestamp"), TIMESTAMP)


def _object(text: str, name: str, fields: set[str]) -> dict[str, t.Any]:
    if not text:
        return {}
    try:
        value = strict_json.load_object(text, f"the annotation {name}")
    except strict_json.MalformedJson as error:
        raise MalformedSignature(error.message) from None
    if strict_json.lookalike(value, fields):
        raise MalformedSignature(f"the annotation {name} has a field that differs from a known one only in case")
    return value


def _check_binary(value: t.Any, name: str) -> None:
    try:
        if value is not None:
            base64.decode(value)
    except base64.NotBase64:
        raise MalformedSignature(f"the annotation {name} has a field that is not base64") from None


def _certificates(annotations: t.Mapping[str, str], name: str) -> list[Certificate]:
    text = annotations.get(name, "")
    if not text:
        return []
    from cryptography import x509  # most signatures have none, and it takes its time to import

    try:
        found = [x509.load_der_x509_certificate(der) for der in read_certificates(text.encode(), name)]
        for certificate in found:  # Go parses all of it at once
            list(certificate.extensions)
            certificate.public_key()
            if certificate.serial_number < 0:
                raise ValueError("a negative serial number")
    except (ValueError, UnsupportedAlgorithm, UnreadableKey, x509.DuplicateExtension):
        raise MalformedSignature(f"the annotation {name} does not hold certificates") from None
    return found


def _expiry(certificate: Certificate) -> str:
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc < now:
        return "valid, but the certificate beside it has expired"
    if certificate.not_valid_before_utc > now:
        return "valid, but the certificate beside it is not valid yet"
    return ""
