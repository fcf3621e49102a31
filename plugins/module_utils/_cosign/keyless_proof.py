# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a keyless signature is proven by a trusted root: chain, certificate transparency, log entry, time, signature.

All of that is done by the library `sigstore`, offline. It is slow to import (a second, 50 MiB), so this file is loaded
only where a certificate is there to be verified. Sources: sigstore-python 4.5, sigstore.verify; sigstore
architecture-docs, client-spec.md, section 4.
"""

from __future__ import annotations

import threading
import typing as t

from .._shared import base64, shapes, strict_json
from .._shared.errors import GitopsError, InvalidOption
from .._shared.requirements import third_party
from .legacy_annotations import BUNDLE, CERTIFICATE, TIMESTAMP
from .log_body import Logged, difference
from .pem import read_certificates

if t.TYPE_CHECKING:  # pragma: no cover
    from .trusted_root import TrustedRoot as Given

with third_party():
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from sigstore.errors import CertValidationError
    from sigstore.errors import Error as SigstoreError
    from sigstore.models import Bundle, TimestampVerificationData, TransparencyLogEntry, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore_models.bundle.v1 import Bundle as BundleMessage
    from sigstore_models.rekor.v1 import TransparencyLogEntry as EntryMessage
    from sigstore_models.trustroot.v1 import TrustedRoot as RootMessage

    # What the library, and those that it stands on, raise for bytes that they do not like.
    _REFUSALS = (
        GitopsError,
        SigstoreError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    )

    class _Promised(TransparencyLogEntry):
        """An entry with the log's promise alone, as cosign 2 writes it beside a signature."""

        def _validate(self) -> None:
            """The library asks for a proof of inclusion, which the legacy format does not carry."""

        def _verify(self, keyring: t.Any) -> None:
            self._verify_set(keyring)


# The library's model wants one; nothing looks at it, see _Promised.
_NO_PROOF = {"logIndex": "0", "rootHash": "", "treeSize": "1", "hashes": [], "checkpoint": {"envelope": "-"}}
_SHOWN = 120  # characters of a library's own words, which can hold all of what it was given
_SENTENCES = {
    "expired at time of signing": "the certificate was not valid when the signature was made",
    "failed to verify SCT": "no certificate transparency log of the trusted root vouches for the certificate",
    "invalid log entry": "the transparency log of the trusted root does not vouch for the entry",
    "not enough sources of verified time": "no time stamp and no log of the trusted root says when it was made",
    "no Timestamp Authorities": "it has a time stamp, and the trusted root has no time stamp authority",
    "bundle must contain an inclusion promise or signed timestamp": "it has no time stamp, and its log gives no time",
    "does not match bundle": "the entry of the transparency log is about another signature",
    "is inconsistent": "the entry of the transparency log is about another signature",
}


class Unproven(Exception):
    """A signature that the trusted root does not prove; the text is half a sentence for a person."""


class _Anybody:
    """The library's policy. Who signed is compared when all else is proven, so that a refusal for it says as much."""

    def verify(self, cert: x509.Certificate) -> None:
        del cert


class Prover:
    """A trusted root, read once; thread-safe."""

    def __init__(self, root: Given) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._made: Verifier | None = None

    def prove_bundle(self, raw: bytes) -> x509.Certificate:
        """The certificate of a bundle with a DSSE envelope in it, whose signature is proven; Unproven says why not."""
        try:
            bundle = Bundle.from_json(_with_one_entry(raw))
            self._verifier().verify_dsse(bundle, _Anybody())
            return bundle.signing_certificate
        except _REFUSALS as error:
            raise Unproven(_reason(error)) from None

    def prove_legacy(self, beside: t.Mapping[str, str], signature: bytes, payload: bytes) -> x509.Certificate:
        """The same for what stands beside a legacy signature, whose log promises that it has taken the entry."""
        try:
            found = _Beside(beside, signature)
            self._verifier()._verify_common_signing_cert(t.cast("Bundle", found), _Anybody())
            certificate = found.signing_certificate
            key = certificate.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise Unproven("the certificate is for another kind of key than ECDSA")
            key.verify(signature, payload, ec.ECDSA(hashes.SHA256()))
            _check_body(found.log_entry, _logged(signature, payload, None, certificate))
            return certificate
        except _REFUSALS as error:
            raise Unproven(_reason(error)) from None

    def prove_entry(self, raw: bytes, beside: t.Mapping[str, str], logged: Logged) -> None:
        """That the log has the signature of a key, which a bundle or legacy annotations say."""
        try:
            entry = TransparencyLogEntry(_entry_in(raw)) if raw else _Promised(_entry_beside(beside))
            self._verifier()  # says what is wrong with the root
            _vouched(entry, self._keyring())
            _check_body(entry, logged)
        except _REFUSALS as error:
            raise Unproven(_reason(error)) from None

    def time_of(self, raw: bytes, beside: t.Mapping[str, str], signature: bytes) -> float | None:
        """When what was proven had been signed, in Unix seconds: the earliest time that the root vouches for."""
        try:
            found = Bundle.from_json(_with_one_entry(raw)) if raw else t.cast("Bundle", _Beside(beside, signature))
            times = self._verifier()._establish_time(found)
        except _REFUSALS as error:
            raise Unproven(_reason(error)) from None
        return min((one.time.timestamp() for one in times), default=None)

    def _keyring(self) -> t.Any:
        from sigstore._internal.trust import KeyringPurpose

        return self._verifier()._trusted_root.rekor_keyring(KeyringPurpose.VERIFY)

    def _verifier(self) -> Verifier:
        with self._lock:
            if self._made is None:
                self._made = _verifier(self._root)
            return self._made


class _Beside:
    """What the library asks of a bundle, read from the annotations of a legacy signature."""

    def __init__(self, beside: t.Mapping[str, str], signature: bytes) -> None:
        certificates = read_certificates(beside.get(CERTIFICATE, "").encode(), "the certificate")
        self.signing_certificate = x509.load_der_x509_certificate(certificates[0])
        self.signature = signature
        self.log_entry = _Promised(_entry_beside(beside))
        stamps: list[dict[str, str]] = []
        if beside.get(TIMESTAMP):
            stamp = strict_json.load_object(beside[TIMESTAMP], "the time stamp").get("SignedRFC3161Timestamp")
            stamps = [{"signedTimestamp": str(stamp)}]
        self.verification_material = _Material(stamps)


class _Material:
    def __init__(self, stamps: list[dict[str, str]]) -> None:
        message = strict_json.compact({"rfc3161Timestamps": stamps})
        self.timestamp_verification_data = TimestampVerificationData.from_json(message) if stamps else None


def _entry_in(raw: bytes) -> EntryMessage:
    return BundleMessage.from_json(_with_one_entry(raw)).verification_material.tlog_entries[0]


def _with_one_entry(raw: bytes) -> bytes:
    """The bundle, which has one log entry, with the zeros that the library's model asks for.

    protobuf's JSON leaves them out, and the first entry of a log has them.
    """
    bundle = strict_json.load_object(raw, "the bundle")
    entries = shapes.mappings(shapes.at(bundle, "verificationMaterial", "tlogEntries"))
    if len(entries) != 1:
        raise Unproven(f"it has {len(entries) or 'no'} entries of a transparency log, where one is asked for")
    filled, proof = {"logIndex": "0", **entries[0]}, entries[0].get("inclusionProof")
    if isinstance(proof, dict):
        filled["inclusionProof"] = {"logIndex": "0", "hashes": [], **proof}
    if filled == entries[0]:
        return raw
    entries[0].update(filled)
    return strict_json.compact(bundle)


def _entry_beside(beside: t.Mapping[str, str]) -> EntryMessage:
    if not beside.get(BUNDLE):
        raise Unproven("it has no entry of a transparency log")
    value = strict_json.load_object(beside[BUNDLE], "the log entry")
    payload = shapes.mapping(value.get("Payload"))
    body = strict_json.load_object(base64.decode(payload.get("body")), "the body of the log entry")
    return EntryMessage.from_json(
        strict_json.compact(
            {
                "logIndex": str(shapes.number(payload.get("logIndex"), -1)),
                "logId": {"keyId": base64.encode(bytes.fromhex(shapes.text(payload.get("logID"))))},
                "kindVersion": {"kind": body.get("kind"), "version": body.get("apiVersion")},
                "integratedTime": str(shapes.number(payload.get("integratedTime"))),
                "inclusionPromise": {"signedEntryTimestamp": value.get("SignedEntryTimestamp")},
                "canonicalizedBody": payload.get("body"),
                "inclusionProof": _NO_PROOF,
            }
        )
    )


def _logged(signature: bytes, data: bytes, payload: bytes | None, certificate: x509.Certificate) -> Logged:
    encodings = serialization.Encoding
    der, pem = (certificate.public_bytes(encoding) for encoding in (encodings.DER, encodings.PEM))
    return Logged(signature, data, payload, der, pem)


def _vouched(entry: TransparencyLogEntry, keyring: t.Any) -> None:
    try:
        entry._verify(keyring)
    except SigstoreError:
        raise Unproven(_SENTENCES["invalid log entry"]) from None


def _check_body(entry: TransparencyLogEntry, logged: Logged) -> None:
    said = difference(entry._inner.canonicalized_body, logged)
    if said:
        raise Unproven(f"the entry of the transparency log is {said}")


def _verifier(root: Given) -> Verifier:
    try:
        return Verifier(trusted_root=TrustedRoot(RootMessage.from_json(root.raw)))
    except _REFUSALS as error:
        raise InvalidOption("trusted_root", f"not a trusted root: {_first_line(error)}") from None


def _reason(error: Exception) -> str:
    said = str(error)
    if isinstance(error, CertValidationError):
        if "not valid at validation time" in said:
            return "the certificate was not valid when the signature was made"
        return f"the certificate is not by an authority of the trusted root ({_first_line(error)})"
    for part, sentence in _SENTENCES.items():
        if part in said:
            return sentence
    return _first_line(error) or type(error).__name__


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return "".join(character for character in line if character.isprintable())[:_SHOWN]
