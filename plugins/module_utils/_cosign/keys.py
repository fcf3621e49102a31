# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys that verify, private keys that sign, as cosign and Flux do it by default.

The hash trap: cosign *signs* with the hash of the key's default algorithm (SHA-384 for P-384, SHA-512 for P-521,
Ed25519ph for Ed25519) but it and Flux *verify* with SHA-256 (pure Ed25519) unless told. Such keys are therefore read,
and verify what the peers' default verification accepts, but do not sign.
Sources: cosign, pkg/cosign/keys.go and pkg/signature/keys.go; sigstore, pkg/signature/{verifier,algorithm_registry}.go.
"""

from __future__ import annotations

import base64
import hashlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.proven.gitops.plugins.module_utils._cosign.encrypted import (
    PEM_TYPE,
    PEM_TYPES,
    UnreadableKey,
    WrongPassphrase,
    read_pem,
    seal,
    unseal,
    write_pem,
)
from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError
from ansible_collections.proven.gitops.plugins.module_utils._requirements import third_party

with third_party():
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

with third_party():
    from nacl import bindings as sodium
    from nacl.exceptions import BadSignatureError

__all__ = ["PublicKey", "SigningKey", "UnreadableKey", "UnusableKey", "WrongPassphrase"]

if t.TYPE_CHECKING:  # pragma: no cover
    AnyPublic = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    AnyPrivate = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_CURVES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384", "secp521r1": "ecdsa-p521"}
_TRAPS = {
    "ecdsa-p384": "cosign signs with SHA-384 with a P-384 key, and its and Flux's default verification uses SHA-256",
    "ecdsa-p521": "cosign signs with SHA-512 with a P-521 key, and its and Flux's default verification uses SHA-256",
    "ed25519": "cosign signs Ed25519ph with an Ed25519 key, and its and Flux's default verification uses pure Ed25519",
}
_RSA_SIGNING = (2048, 3072, 4096)  # the sizes that have a default algorithm
_RSA_BITS = range(2048, 8193)

_CONVERT = "; cosign reads only its own encrypted format: convert it once with `cosign import-key-pair --key FILE`"
_OTHER_PEM = {
    "PRIVATE KEY": f"an unencrypted PKCS#8 private key{_CONVERT}",
    "EC PRIVATE KEY": f"an unencrypted EC (SEC 1) private key{_CONVERT}",
    "RSA PRIVATE KEY": f"an unencrypted RSA (PKCS#1) private key{_CONVERT}",
    "ENCRYPTED PRIVATE KEY": f"a private key encrypted as PKCS#8{_CONVERT}",
    "OPENSSH PRIVATE KEY": "an SSH private key, which cosign does not use",
    "CERTIFICATE": "a certificate, not a key",
    "PUBLIC KEY": "a public key, where the private key is expected",
    "RSA PUBLIC KEY": "a public key, where the private key is expected",
}


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
            return cls._of(serialization.load_pem_public_key(write_pem(label, der)), where)
        except (ValueError, UnsupportedAlgorithm):
            raise UnreadableKey(f"{where}: the public key is damaged, or of a kind that is not supported") from None

    @classmethod
    def _of(cls, key: object, where: str) -> PublicKey:
        kind = _kind(key, where)
        usable = t.cast("AnyPublic", key)
        der = usable.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.sha256(der)
        hint = base64.b64encode(digest.digest()).decode()
        return cls(write_pem("PUBLIC KEY", der), f"sha256:{digest.hexdigest()}", hint, kind, usable)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether cosign and Flux accept by default: ECDSA or RSA PKCS#1 v1.5 over SHA-256, or pure Ed25519."""
        return _verifies(self._key, signature, data, hashes.SHA256())

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


class SigningKey:
    """A private key in memory. Its text forms never hold key material."""

    def __init__(self, key: AnyPrivate, where: str = "private key") -> None:
        self._key = key
        self._where = where
        self.public = PublicKey._of(key.public_key(), where)

    @classmethod
    def load(cls, pem: bytes, passphrase: bytes, where: str) -> SigningKey:
        """From cosign's encrypted PEM. UnreadableKey says what it is instead, WrongPassphrase that it does not open.

        Deriving the key takes about 0.3 s and 64 MiB.
        """
        label, document = read_pem(pem, where)
        if label not in PEM_TYPES:
            raise UnreadableKey(f"{where}: {_OTHER_PEM.get(label, f'a PEM block of type {label}, not a private key')}")
        plaintext = unseal(document, passphrase, where)
        try:
            # By the PEM label only PKCS#8 is read, as cosign does: SEC 1 or PKCS#1 inside is refused.
            key = serialization.load_pem_private_key(write_pem("PRIVATE KEY", plaintext), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise UnreadableKey(f"{where}: what is encrypted is not a PKCS#8 private key of a supported kind") from None
        return cls(t.cast("AnyPrivate", key), where)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new ECDSA P-256 key: the one kind that every peer verifies by default."""
        return cls(ec.generate_private_key(ec.SECP256R1()), "new key")

    def sign(self, data: bytes) -> bytes:
        """A signature over SHA-256 of `data`: ECDSA in ASN.1 DER, RSA as PKCS#1 v1.5. UnusableKey says why not."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey) and self.public.flux_verifiable:
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        if isinstance(self._key, rsa.RSAPrivateKey) and self._key.key_size in _RSA_SIGNING:
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        raise UnusableKey(f"{self._where}: {self.refusal}", kind=self.public.kind)

    @property
    def refusal(self) -> str | None:
        """Why this key must not sign; None when it may. To be asked before anything is sent."""
        if not self.public.flux_verifiable:
            return f"{self.public.flux_reason}; use an ECDSA P-256 key"
        if isinstance(self._key, rsa.RSAPrivateKey) and self._key.key_size not in _RSA_SIGNING:
            return f"cosign signs with RSA keys of 2048, 3072 and 4096 bits, not of {self._key.key_size}"
        return None

    def encrypted_pem(self, passphrase: bytes) -> bytes:
        """The key file as current versions of cosign write it; every call gives other bytes (salt and nonce)."""
        plaintext = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return write_pem(PEM_TYPE, seal(plaintext, passphrase))

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"


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
        return "ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        raise UnreadableKey(f"{where}: an RSA key of {key.key_size} bits; 2048 to 8192 are supported")
    raise UnreadableKey(f"{where}: neither an ECDSA (P-256, P-384, P-521), RSA nor Ed25519 key")


def _verifies(key: AnyPublic, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _verifies_ed25519ph(key: ed25519.Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    state = sodium.crypto_sign_ed25519ph_state()
    sodium.crypto_sign_ed25519ph_update(state, data)
    if len(signature) != sodium.crypto_sign_BYTES:
        return False
    try:
        return bool(sodium.crypto_sign_ed25519ph_final_verify(state, signature, raw))
    except BadSignatureError:
        return False
