# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys that sign as cosign does, where its and Flux's default verification accepts that: see keys.py."""

from __future__ import annotations

import typing as t

from .._shared.requirements import third_party
from .encrypted import PEM_TYPE, PEM_TYPES, WrongPassphrase, seal, unseal
from .keys import PublicKey, UnusableKey
from .pem import UnreadableKey, read_pem, write_pem
from .signer import Material

with third_party():
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

__all__ = ["SigningKey", "UnreadableKey", "UnusableKey", "WrongPassphrase"]

if t.TYPE_CHECKING:  # pragma: no cover
    AnyPrivate = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

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


class SigningKey:
    """A private key in memory. Its text forms never hold key material."""

    def __init__(self, key: AnyPrivate, where: str = "private key") -> None:
        self._key = key
        self._where = where
        self.public = PublicKey.of(key.public_key(), where)

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
        if isinstance(self._key, ec.EllipticCurvePrivateKey) and not self.refusal:
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        if isinstance(self._key, rsa.RSAPrivateKey) and not self.refusal:
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        raise UnusableKey(f"{self._where}: {self.refusal}", kind=self.public.kind)

    def material(self, signature: bytes) -> Material:
        """A key needs nothing beside its signatures; the hint is that of cosign."""
        del signature
        return Material(hint=self.public.hint)

    @property
    def refusal(self) -> str | None:
        """Why this key must not sign; None when it may. To be asked before anything is sent."""
        return self.public.signing_refusal

    def encrypted_pem(self, passphrase: bytes) -> bytes:
        """The key file as current versions of cosign write it; every call gives other bytes (salt and nonce)."""
        plaintext = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return write_pem(PEM_TYPE, seal(plaintext, passphrase))

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"
