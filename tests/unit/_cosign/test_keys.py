# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys: cosign's own files of every kind, and what must not be taken for one."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ansible_collections.proven.gitops.plugins.module_utils._cosign.encrypted import PEM_TYPE, seal
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey, UnreadableKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.pem import write_pem
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import (
    SigningKey,
    UnusableKey,
    WrongPassphrase,
)

KeyFiles = dict[str, dict[str, str]]
SigningKeys = dict[str, SigningKey]
KINDS = {
    "cosign3": "ecdsa-p256",
    "cosign2": "ecdsa-p256",
    "empty": "ecdsa-p256",
    "old": "ecdsa-p256",  # scrypt with N = 2^15
    "owasp": "ecdsa-p256",  # scrypt with N = 2^17
    "p256": "ecdsa-p256",
    "p384": "ecdsa-p384",
    "p521": "ecdsa-p521",
    "rsa2048": "rsa-2048",
    "rsa3072": "rsa-3072",
    "rsa4096": "rsa-4096",
    "ed25519": "ed25519",
}
SIGNING = [name for name, kind in KINDS.items() if kind == "ecdsa-p256" or kind.startswith("rsa")]
TRAPPED = ["p384", "p521", "ed25519"]


@pytest.mark.parametrize("name", KINDS)
def test_cosigns_key_files_are_read(key_files: KeyFiles, signing_keys: SigningKeys, name: str) -> None:
    key = signing_keys[name]
    public = PublicKey.load(key_files[name]["public"].encode(), "public")
    assert key.public == public
    assert public.pem.decode() == key_files[name]["public"]
    assert public.kind == KINDS[name]


def test_no_vector_is_left_out(key_files: KeyFiles) -> None:
    assert set(key_files) == set(KINDS)


def test_fingerprint_and_hint_are_the_digest_of_the_public_key_info(key_files: KeyFiles) -> None:
    public = PublicKey.load(key_files["cosign3"]["public"].encode(), "public")
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.pem, capture_output=True, check=True
    ).stdout
    assert public.fingerprint == "sha256:" + hashlib.sha256(der).hexdigest()
    # The hint that cosign 3 put into the bundles it made with this key.
    assert public.hint == "+en5sXBYtRqmAY0XAxkpn0X2WvX8qzud/79QNymbxXo="


@pytest.mark.parametrize("name", SIGNING)
def test_signs_with_sha256(signing_keys: SigningKeys, name: str) -> None:
    key = signing_keys[name]
    assert key.refusal is None
    assert key.public.flux_verifiable
    assert key.public.flux_reason == ""
    signature = key.sign(b"data")
    assert key.public.verify(signature, b"data")
    assert not key.public.verify(signature, b"date")
    assert not key.public.verify(b"", b"data")
    native = serialization.load_pem_public_key(key.public.pem)
    if isinstance(native, rsa.RSAPublicKey):
        native.verify(signature, b"data", padding.PKCS1v15(), hashes.SHA256())
    else:
        t.cast(ec.EllipticCurvePublicKey, native).verify(signature, b"data", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("name", TRAPPED)
def test_keys_that_the_peers_would_not_verify_do_not_sign(signing_keys: SigningKeys, name: str) -> None:
    key = signing_keys[name]
    assert not key.public.flux_verifiable
    assert "Flux" in key.public.flux_reason
    assert key.refusal is not None
    with pytest.raises(UnusableKey, match="use an ECDSA P-256 key") as caught:
        key.sign(b"data")
    assert caught.value.details == {"kind": key.public.kind}


def test_trapped_keys_verify_what_the_default_verification_accepts() -> None:
    curve, edwards = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
    for key, signature in (
        (curve, curve.sign(b"data", ec.ECDSA(hashes.SHA256()))),
        (edwards, edwards.sign(b"data")),
    ):
        public = SigningKey(key).public
        assert public.verify(signature, b"data")
        assert not public.verify(signature, b"date")


def test_near_miss_names_the_hash_trap() -> None:
    curve = ec.generate_private_key(ec.SECP384R1())
    public = SigningKey(curve).public
    signature = curve.sign(b"data", ec.ECDSA(hashes.SHA384()))
    assert not public.verify(signature, b"data")
    assert "SHA-384" in (public.near_miss(signature, b"data") or "")
    assert public.near_miss(signature, b"date") is None
    p256 = ec.generate_private_key(ec.SECP256R1())
    reason = SigningKey(p256).public.near_miss(p256.sign(b"data", ec.ECDSA(hashes.SHA512())), b"data")
    assert reason == "signed with another hash than SHA-256"


def test_near_miss_of_an_ed25519_key(public_keys: dict[str, PublicKey]) -> None:
    for signature in (b"", b"x" * 64):
        assert public_keys["ed25519"].near_miss(signature, b"data") is None


def test_rsa_of_a_size_without_a_default_algorithm_verifies_but_does_not_sign() -> None:
    native = rsa.generate_private_key(65537, 2560)
    key = SigningKey(native, "mine")
    assert key.public.kind == "rsa-2560"
    assert key.public.verify(native.sign(b"data", padding.PKCS1v15(), hashes.SHA256()), b"data")
    with pytest.raises(UnusableKey, match="2048, 3072 and 4096 bits, not of 2560"):
        key.sign(b"data")


def test_rsa_pss_is_not_accepted() -> None:
    native = rsa.generate_private_key(65537, 2048)
    pss = native.sign(b"data", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert not SigningKey(native).public.verify(pss, b"data")


def test_generated_key_file_round_trip() -> None:
    key = SigningKey.generate()
    first, second = key.encrypted_pem(b"pw"), key.encrypted_pem(b"pw")
    assert first != second
    assert first.startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    assert SigningKey.load(first, b"pw", "key").public == key.public
    with pytest.raises(WrongPassphrase, match="where: the passphrase"):
        SigningKey.load(first, b"", "where")


def test_older_header_is_read(key_files: KeyFiles) -> None:
    renamed = key_files["cosign3"]["private"].replace("SIGSTORE", "COSIGN").encode()
    key = SigningKey.load(renamed, key_files["cosign3"]["passphrase"].encode(), "key")
    assert key.public.pem.decode() == key_files["cosign3"]["public"]


def test_imported_rsa_key_round_trip(signing_keys: SigningKeys) -> None:
    key = signing_keys["rsa2048"]
    assert SigningKey.load(key.encrypted_pem(b""), b"", "key").public == key.public


def pem_of(kind: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    formats = serialization.PrivateFormat
    plain = serialization.NoEncryption()
    if kind == "encrypted":
        return key.private_bytes(
            serialization.Encoding.PEM, formats.PKCS8, serialization.BestAvailableEncryption(b"password")
        )
    if kind == "openssh":
        return key.private_bytes(serialization.Encoding.PEM, formats.OpenSSH, plain)
    if kind == "public":
        return SigningKey(key).public.pem
    if kind == "rsa":
        native = rsa.generate_private_key(65537, 2048)
        return native.private_bytes(serialization.Encoding.PEM, formats.TraditionalOpenSSL, plain)
    form = formats.PKCS8 if kind == "pkcs8" else formats.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, plain)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pkcs8", "an unencrypted PKCS#8 private key.*cosign import-key-pair"),
        ("sec1", r"an unencrypted EC \(SEC 1\) private key.*cosign import-key-pair"),
        ("rsa", r"an unencrypted RSA \(PKCS#1\) private key.*cosign import-key-pair"),
        ("encrypted", "a private key encrypted as PKCS#8.*cosign import-key-pair"),
        ("openssh", "an SSH private key"),
        ("public", "a public key, where the private key is expected"),
    ],
)
def test_other_keys_are_called_by_their_name(kind: str, reason: str) -> None:
    with pytest.raises(UnreadableKey, match=f"^privatekey_path: {reason}"):
        SigningKey.load(pem_of(kind), b"", "privatekey_path")


def test_unknown_pem_is_refused() -> None:
    with pytest.raises(UnreadableKey, match="type DH PARAMETERS, not a private key"):
        SigningKey.load(write_pem("DH PARAMETERS", b"1"), b"", "key")
    with pytest.raises(UnreadableKey, match="type DH PARAMETERS, not a public key"):
        PublicKey.load(write_pem("DH PARAMETERS", b"1"), "key")


@pytest.mark.parametrize("form", [serialization.PrivateFormat.TraditionalOpenSSL, None])
def test_only_pkcs8_counts_inside(form: serialization.PrivateFormat | None) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    inside = b"garbage" if form is None else key.private_bytes(serialization.Encoding.DER, form, plain)
    with pytest.raises(UnreadableKey, match="not a PKCS#8 private key"):
        SigningKey.load(write_pem(PEM_TYPE, seal(inside, b"")), b"", "key")


def test_weak_or_foreign_keys_are_refused() -> None:
    def inside(key: t.Any) -> bytes:
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return write_pem(PEM_TYPE, seal(key.private_bytes(serialization.Encoding.DER, form, plain), b""))

    with pytest.raises(UnreadableKey, match="an RSA key of 1024 bits"):
        SigningKey.load(inside(rsa.generate_private_key(65537, 1024)), b"", "key")  # noqa: S505  (the weakness is tested)
    with pytest.raises(UnreadableKey, match="neither an ECDSA"):
        SigningKey.load(inside(ec.generate_private_key(ec.SECP256K1())), b"", "key")


def test_public_key_in_pkcs1_is_the_same_key(key_files: KeyFiles) -> None:
    public = PublicKey.load(key_files["rsa2048"]["public"].encode(), "key")
    native = serialization.load_pem_public_key(public.pem)
    pkcs1 = native.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    assert PublicKey.load(pkcs1, "key") == public


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (write_pem("CERTIFICATE", b"1"), "a certificate, not a public key"),
        (write_pem("PUBLIC KEY", b"1"), "the public key is damaged"),
        (b"", "empty"),
    ],
)
def test_what_is_no_public_key_is_refused(pem: bytes, reason: str) -> None:
    with pytest.raises(UnreadableKey, match=f"public_keys: {reason}"):
        PublicKey.load(pem, "public_keys")


def test_private_key_given_as_public_is_named(key_files: KeyFiles) -> None:
    with pytest.raises(UnreadableKey, match=r"a private key, where the public key \(cosign.pub\) is expected"):
        PublicKey.load(key_files["cosign3"]["private"].encode(), "public_keys")


def test_text_forms_hold_no_key_material() -> None:
    key = SigningKey.generate()
    assert repr(key) == str(key) == f"SigningKey({key.public.fingerprint})"
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_an_ecdsa_signature_may_be_two_numbers(curve: ec.EllipticCurve) -> None:
    """IEEE P1363, as hardware and JavaScript write it: what is not ASN.1 is taken for that, as sigstore does."""
    key = ec.generate_private_key(curve)
    numbers = decode_dss_signature(key.sign(b"data", ec.ECDSA(hashes.SHA256())))
    size = (curve.key_size + 7) // 8
    signature = b"".join(number.to_bytes(size, "big") for number in numbers)
    public = PublicKey.of(key.public_key(), "it")
    assert public.verify(signature, b"data")
    assert not public.verify(signature, b"date")
    assert not public.verify(signature + b"\0", b"data")
    for wrong in (b"", b"\0" * len(signature), b"\0" * 134, signature[::-1], b"\0" + signature[:-1]):
        assert not public.verify(wrong, b"data")


LOW = [
    *("01" + "00" * 31, "00" * 32, "00" * 31 + "80", "01" + "00" * 30 + "80"),
    *("ec" + "ff" * 30 + "7f", "ec" + "ff" * 31, "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f"),
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]


@pytest.mark.parametrize("raw", LOW)
def test_a_key_by_which_anybody_could_sign_is_refused(raw: str) -> None:
    """A point of low order: one signature is valid for many texts, or for all."""
    key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw))
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(UnreadableKey, match="low order"):
        PublicKey.load(pem, "it")
