# SPDX-License-Identifier: GPL-3.0-or-later
"""Key files: theirs serve us, ours serve them, and what they refuse to read we refuse too."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from interop.cosign import Cosign, Format, Keys
from interop.places import Place
from nacl.secret import SecretBox

if t.TYPE_CHECKING:  # pragma: no cover
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from interop.conftest import Ours, Push

# In this order: a bundle hides legacy signatures from cosign 2, which then asks for a trusted root.
FORMATS: tuple[Format, ...] = ("legacy", "bundle")
PASSWORDS = ("", "pässword \u2713", "it ends with a line break\n")
PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL

SIGNING = ("ec-p256-sec1", "ec-p256-pkcs8", "rsa-2048", "rsa-3072", "rsa-4096")
TRAPS = ("ec-p384", "ec-p521", "ed25519")


@functools.cache
def _key(kind: str) -> tuple[PrivateKeyTypes, serialization.PrivateFormat]:
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind[4:])), TRADITIONAL
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate(), PKCS8
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    key = ec.generate_private_key(curves[kind.split("-")[1]])
    return key, TRADITIONAL if kind.endswith("sec1") else PKCS8


def _pem(kind: str, directory: Path) -> Path:
    """An unencrypted key, as openssl writes it."""
    key, form = _key(kind)
    file = directory / f"{kind}.pem"
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return file


def _sealed(
    plaintext: bytes, password: str, *, cost: int = 32768, label: str = "ENCRYPTED COSIGN PRIVATE KEY"
) -> bytes:
    """A key file as cosign up to 2.1 wrote it, made without any code of ours."""
    salt, nonce = os.urandom(32), os.urandom(24)
    key = hashlib.scrypt(password.encode(), salt=salt, n=cost, r=8, p=1, maxmem=1 << 30, dklen=32)
    coded = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": cost, "r": 8, "p": 1},
            "salt": base64.b64encode(salt).decode(),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(SecretBox(key).encrypt(plaintext, nonce).ciphertext).decode(),
    }
    body = base64.encodebytes(json.dumps(coded).encode()).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def _plain(kind: str, form: serialization.PrivateFormat = PKCS8) -> bytes:
    return _key(kind)[0].private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())


def _public(kind: str) -> bytes:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key(kind)[0].public_key().public_bytes(serialization.Encoding.PEM, info)


def _we_sign(reference: str, keys: Keys, ours: Ours, cosign: Cosign) -> None:
    """With their key, in both formats, to their satisfaction."""
    for form in FORMATS:
        assert ours("cosign_sign", reference=reference, format=form, **keys.options)["changed"]
        cosign.accepts(reference, keys, form)


@pytest.mark.parametrize("password", PASSWORDS, ids=["empty", "unicode", "newline"])
def test_a_pair_of_ours_serves_them(
    password: str, cosign: Cosign, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    keys = Keys(tmp_path / "cosign.key", password)
    made = ours("cosign_keypair", path=str(keys.private), passphrase=password)
    assert cosign.public_key(keys) == keys.public.read_bytes() == made["public_key"].encode()
    reference = push(embedded)
    for form in FORMATS:
        cosign.sign(reference, keys, form)
        cosign.accepts(reference, keys, form)
    verdict = ours("cosign_verify", reference=reference, public_keys=keys.verifiers)["verdicts"][0]
    assert verdict["formats"] == ["bundle", "legacy"]
    assert verdict["signed_by"] == [made["fingerprint"]]


@pytest.mark.parametrize("password", PASSWORDS, ids=["empty", "unicode", "newline"])
def test_a_pair_of_theirs_serves_us(
    password: str, cosign: Cosign, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    keys = cosign.generate(tmp_path, password)
    public = keys.public.read_bytes()
    kept = ours("cosign_keypair", path=str(keys.private), passphrase=password)
    assert not kept["changed"]
    keys.public.unlink()
    restored = ours("cosign_keypair", path=str(keys.private), passphrase=password)
    assert restored["changed"]
    assert keys.public.read_bytes() == public
    _we_sign(push(embedded), keys, ours, cosign)


@pytest.mark.parametrize("kind", SIGNING)
def test_an_imported_key_serves_us(
    kind: str, cosign: Cosign, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    keys = cosign.convert(_pem(kind, tmp_path), tmp_path / "imported", "secret")
    _we_sign(push(embedded), keys, ours, cosign)


def test_a_key_file_of_an_older_cosign_serves_us(
    cosign: Cosign, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    keys = Keys(tmp_path / "cosign.key", "old")
    keys.private.write_bytes(_sealed(_plain("ec-p256-pkcs8"), "old"))
    keys.private.chmod(0o600)
    keys.public.write_bytes(_public("ec-p256-pkcs8"))
    assert cosign.public_key(keys) == keys.public.read_bytes()
    assert not ours("cosign_keypair", path=str(keys.private), passphrase="old")["changed"]
    _we_sign(push(embedded), keys, ours, cosign)


@pytest.mark.parametrize("kind", TRAPS)
def test_a_key_that_they_cannot_verify_with_does_not_sign(
    kind: str, cosign: Cosign, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    """cosign signs with such keys, and its own verification, like Flux's, refuses the result. We refuse both times."""
    keys = cosign.convert(_pem(kind, tmp_path), tmp_path / "imported", "secret")
    reference = push(embedded)
    refused = ours("cosign_sign", fails=True, reference=reference, format="both", **keys.options)
    assert refused["failure"]["code"] == "unusable_key"
    for form in FORMATS:
        cosign.sign(reference, keys, form)
        assert cosign.verify(reference, keys.public, form).code != 0
    verdict = ours("cosign_verify", fails=True, reference=reference, public_keys=keys.verifiers)["verdicts"][0]
    assert verdict["verdict"] == "wrong_key"
    assert [signature["verdict"] for signature in verdict["signatures"]] == ["wrong_key", "wrong_key"]


UNREADABLE: dict[str, tuple[t.Callable[[], bytes], str]] = {
    "not encrypted": (lambda: _pem_bytes("PRIVATE KEY", _plain("ec-p256-pkcs8")), "unreadable_key"),
    "not PKCS#8 inside": (lambda: _sealed(_plain("ec-p256-sec1", TRADITIONAL), "secret"), "unreadable_key"),
    "a costly derivation": (lambda: _sealed(_plain("ec-p256-pkcs8"), "secret", cost=1 << 18), "unreadable_key"),
    "another passphrase": (lambda: _sealed(_plain("ec-p256-pkcs8"), "secret\n"), "wrong_passphrase"),
    "an unknown label": (
        lambda: _sealed(_plain("ec-p256-pkcs8"), "secret", label="ENCRYPTED PRIVATE KEY"),
        "unreadable_key",
    ),
    "a public key": (lambda: _public("ec-p256-pkcs8"), "unreadable_key"),
}


def _pem_bytes(label: str, der: bytes) -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_they_do_not_read_is_refused(
    case: str, cosign: Cosign, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    make, code = UNREADABLE[case]
    keys = Keys(tmp_path / "cosign.key", "secret")
    keys.private.write_bytes(make())
    refused = ours("cosign_sign", fails=True, reference=push(embedded), **keys.options)
    assert refused["failure"]["code"] == code
    assert cosign.public_key(keys) is None
