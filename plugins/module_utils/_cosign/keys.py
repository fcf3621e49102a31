# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys that verify as cosign and Flux do it by default.

The hash trap: cosign *signs* with the hash of the key's default algorithm (SHA-384 for P-384, SHA-512 for P-521,
Ed25519ph for Ed25519) but it and Flux *verify* with SHA-256 (pure Ed25519) unless told. Such keys are therefore read,
and verify what the peers' default verification accepts, but do not sign.
Sources: cosign, pkg/cosign/keys.go and pkg/signature/keys.go; sigstore, pkg/signature/{verifier,algorithm_registry}.go.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from .._shared import base64
from .._shared.errors import GitopsError
from .._shared.requirements import third_party
from .pem import UnreadableKey, read_pem, write_pem

with third_party():
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import (
        Prehashed,
        decode_dss_signature,
        encode_dss_signature,
    )

__all__ = ["PublicKey", "UnreadableKey"]

if t.TYPE_CHECKING:  # pragma: no cover
    AnyPublic = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_CURVES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384", "secp521r1": "ecdsa-p521"}
_TRAPS = {
    "ecdsa-p384": "cosign signs with SHA-384 with a P-384 key, and its and Flux's default verification uses SHA-256",
    "ecdsa-p521": "cosign signs with SHA-512 with a P-521 key, and its and Flux's default verification uses SHA-256",
    "ed25519": "cosign signs Ed25519ph with an Ed25519 key, and its and Flux's default verification uses pure Ed25519",
}
_RSA_BITS = range(2048, 8193)
_RSA_SIGNING = (2048, 3072, 4096)  # the sizes that have a default algorithm
_MAX_P1363 = 132  # bytes, of P-521

# The y coordinates of the points of Ed25519 whose order is 1, 2, 4 or 8: by such a key, one signature is valid for
# many texts, and by the first for all.
_FIELD = 2**255 - 19
_EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_LOW_ORDER = frozenset({1, _FIELD - 1, 0, _EIGHTH, _FIELD - _EIGHTH})


class UnusableKey(GitopsError):
    """A key that can be read but must not sign: the peers would refuse its signatures."""

    code = "unusable_key"


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies; equal to another with the same SubjectPublicKeyInfo.

    `pem` is PKIX PEM as cosign writes it, `fingerprint` is `sha256:` and the hex digest of the DER,
    `hint` the same digest in base64 as a bundle names its key, `kind` e.g. `ecdsa-p256`, `rsa-2048`, `ed25519`.
    """

    pem: bytes = field(repr=False)
    fingerprint: str
    hint: str = field(repr=False)
    kind: str
    _key: AnyPublic = field(repr=False, compare=False)

    @classmethod
    def load(cls, pem: bytes, where: str) -> PublicKey:
        """From PKIX (or RSA PKCS#1) PEM; UnreadableKey names `where` and says what it is instead."""
        label, der = read_pem(pem, where)
        if label not in ("PUBLIC KEY", "RSA PUBLIC KEY"):
            raise UnreadableKey(f"{where}: {_not_public(label)}")
        try:
            return cls.of(serialization.load_pem_public_key(write_pem(label, der)), where)
        except (ValueError, UnsupportedAlgorithm):
            raise UnreadableKey(f"{where}: the public key is damaged, or of a kind that is not supported") from None

    @classmethod
    def of(cls, key: object, where: str) -> PublicKey:
        """From a key of the library; UnreadableKey where it is of a kind that nobody verifies with."""
        kind = _kind(key, where)
        usable = t.cast("AnyPublic", key)
        der = usable.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.sha256(der)
        hint = base64.encode(digest.digest())
        return cls(write_pem("PUBLIC KEY", der), f"sha256:{digest.hexdigest()}", hint, kind, usable)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether cosign and Flux accept by default: ECDSA or RSA PKCS#1 v1.5 over SHA-256, or pure Ed25519."""
        return _verifies(self._key, signature, data, hashes.SHA256())

    def verify_digest(self, signature: bytes, digest: bytes, algorithm: str) -> bool:
        """The same for a digest by `sha256`, `sha384` or `sha512`; never with an Ed25519 key, which signs no digest."""
        if isinstance(self._key, ed25519.Ed25519PublicKey):
            return False
        algorithms = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
        return _verifies(self._key, signature, digest, Prehashed(algorithms[algorithm]))

    def near_miss(self, signature: bytes, data: bytes) -> str | None:
        """Why a signature made by this very key is not accepted (the hash trap); None when it is not by this key."""
        if isinstance(self._key, ed25519.Ed25519PublicKey):
            valid = _verifies_ed25519ph(self._key, signature, data)
        else:
            valid = _verifies(self._key, signature, data, hashes.SHA384()) or _verifies(
                self._key, signature, data, hashes.SHA512()
            )
        return (_TRAPS.get(self.kind) or "signed with another hash than SHA-256") if valid else None

    @property
    def flux_verifiable(self) -> bool:
        """Whether what cosign signs with this kind of key passes the default verification of cosign and Flux."""
        return self.kind not in _TRAPS

    @property
    def flux_reason(self) -> str:
        """Why not, as half a sentence; empty when it does."""
        return _TRAPS.get(self.kind, "")

    @property
    def signing_refusal(self) -> str | None:
        """Why the private key must not sign; None when it may. To be asked before anything is sent."""
        if not self.flux_verifiable:
            return f"{self.flux_reason}; use an ECDSA P-256 key"
        if isinstance(self._key, rsa.RSAPublicKey) and self._key.key_size not in _RSA_SIGNING:
            return f"cosign signs with RSA keys of 2048, 3072 and 4096 bits, not of {self._key.key_size}"
        return None


def _not_public(label: str) -> str:
    if "PRIVATE KEY" in label:
        return "a private key, where the public key (cosign.pub) is expected"
    return (
        "a certificate, not a public key"
        if label == "CERTIFICATE"
        else f"a PEM block of type {label}, not a public key"
    )


def _kind(key: object, where: str) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS:
        return f"rsa-{key.key_size}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        if int.from_bytes(raw, "little") % 2**255 % _FIELD in _LOW_ORDER:
            raise UnreadableKey(f"{where}: an Ed25519 key by which anybody could sign (a point of low order)")
        return "ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        raise UnreadableKey(f"{where}: an RSA key of {key.key_size} bits; 2048 to 8192 are supported")
    raise UnreadableKey(f"{where}: neither an ECDSA (P-256, P-384, P-521), RSA nor Ed25519 key")


def _verifies(key: AnyPublic, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm | Prehashed) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(signature), data, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _der(signature: bytes) -> bytes:
    """The ASN.1 of an ECDSA signature that is written as r and s one behind the other (IEEE P1363), as cosign reads it.

    Source: sigstore, pkg/signature/ecdsa.go: what is not ASN.1 is taken for that.
    """
    try:
        decode_dss_signature(signature)
    except ValueError:
        half, odd = divmod(len(signature), 2)
        if 0 < len(signature) <= _MAX_P1363 and not odd:
            numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            return encode_dss_signature(*numbers)
    return signature


def _verifies_ed25519ph(key: ed25519.Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    # Only for the reason of a refusal, so that verifying neither loads PyNaCl nor needs it.
    try:
        from nacl import bindings as sodium
        from nacl.exceptions import BadSignatureError
    except ImportError:
        return False
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    state = sodium.crypto_sign_ed25519ph_state()
    sodium.crypto_sign_ed25519ph_update(state, data)
    if len(signature) != sodium.crypto_sign_BYTES:
        return False
    try:
        return bool(sodium.crypto_sign_ed25519ph_final_verify(state, signature, raw))
    except BadSignatureError:
        return False
