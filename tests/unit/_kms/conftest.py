# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of a key store needs: a wire, keys that the store may have, and what was registered as a secret."""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._http.settings import HttpSettings
from ansible_collections.proven.gitops.plugins.module_utils._kms.store import Access

DATA = b"what is signed"
DIGEST = hashlib.sha256(DATA).digest()
_SHA256 = Prehashed(hashes.SHA256())


class Held:
    """A key, as stores show it and sign with it."""

    def __init__(self, key: t.Any) -> None:
        self.key = key
        public = key.public_key()
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        self.pem = public.public_bytes(serialization.Encoding.PEM, info).decode()
        self.der = public.public_bytes(serialization.Encoding.DER, info)
        self.numbers = public.public_numbers()

    def sign(self, digest: bytes = DIGEST) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(digest, padding.PKCS1v15(), _SHA256)
        return t.cast(bytes, self.key.sign(digest, ec.ECDSA(_SHA256)))

    def raw(self, digest: bytes = DIGEST) -> bytes:
        """r and s, one behind the other."""
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(self.sign(digest)))


@pytest.fixture(scope="session")
def held() -> Held:
    return Held(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def other() -> Held:
    return Held(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def held_rsa() -> Held:
    return Held(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="session")
def held_p384() -> Held:
    return Held(ec.generate_private_key(ec.SECP384R1()))


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def secrets() -> set[str]:
    return set()


@pytest.fixture
def access(wire: Wire, secrets: set[str]) -> Access:
    """With short times, and a token for Vault."""
    http = HttpSettings(timeout=5, deadline=10, retries=2, backoff=0.01, kind="key store")
    return Access(wire.url, "canary-token", http=http, register_secret=secrets.add)


def document(value: t.Any) -> bytes:
    return json.dumps(value).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
