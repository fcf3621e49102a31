# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of transparency log entries, one of each kind that a reader of bundles may know; they prove nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import typing as t

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from interop.stored import Document, compact

BODIES: t.Final = ("dsse", "hashedrekord", "hashedrekord v2", "intoto", "intoto v1", "dsse v2", "rekord", "x")
_DIGEST = {"algorithm": "sha256", "value": "a1" * 32}


def body_of(kind: str) -> bytes:
    """A body that the readers take, where they know the kind at all."""
    return compact(_BODIES[kind]())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@functools.cache
def _key() -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, pem


def _entry(kind: str, version: str, spec: Document) -> Document:
    return {"apiVersion": version, "kind": kind, "spec": spec}


def _dsse(version: str = "0.0.1") -> Document:
    signatures = [{"signature": "AAAA", "verifier": _base64(_key()[1])}]
    spec = {"envelopeHash": _DIGEST, "payloadHash": _DIGEST, "signatures": signatures}
    return _entry("dsse", version, spec)


def _hashedrekord() -> Document:
    key, pem = _key()
    signature = key.sign(b"something", ec.ECDSA(hashes.SHA256()))
    digest = {"algorithm": "sha256", "value": hashlib.sha256(b"something").hexdigest()}
    spec = {
        "data": {"hash": digest},
        "signature": {"content": _base64(signature), "publicKey": {"content": _base64(pem)}},
    }
    return _entry("hashedrekord", "0.0.1", spec)


def _hashedrekord_v2() -> Document:
    verifier = {"publicKey": {"rawBytes": "AAAA"}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    said = {"data": {"algorithm": "SHA2_256", "digest": "AAAA"}, "signature": {"content": "AAAA", "verifier": verifier}}
    return _entry("hashedrekord", "0.0.2", {"hashedRekordV002": said})


def _intoto(version: str = "0.0.2") -> Document:
    signatures = [{"sig": "AAAA", "publicKey": _base64(_key()[1])}]
    envelope = {"payloadType": "application/vnd.in-toto+json", "signatures": signatures}
    content = {"envelope": envelope, "hash": _DIGEST, "payloadHash": _DIGEST}
    return _entry("intoto", version, {"content": content})


_BODIES: t.Mapping[str, t.Callable[[], Document]] = {
    "dsse": _dsse,
    "hashedrekord": _hashedrekord,
    "hashedrekord v2": _hashedrekord_v2,
    "intoto": _intoto,
    "intoto v1": lambda: _intoto("0.0.1"),
    "dsse v2": lambda: _dsse("0.0.2"),
    "rekord": lambda: _entry("rekord", "0.0.1", {}),
    "x": lambda: _entry("x", "0.0.1", {}),
}
