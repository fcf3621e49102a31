# SPDX-License-Identifier: GPL-3.0-or-later
"""The encrypted private key file of cosign: PEM around JSON around a NaCl secretbox, its key derived by scrypt.

Sources: cosign, pkg/cosign/keys.go; go-securesystemslib, encrypted/encrypted.go.
"""

from __future__ import annotations

import hashlib
import secrets
import typing as t

from .._shared import base64, strict_json
from .._shared.errors import GitopsError
from .._shared.requirements import third_party
from .pem import UnreadableKey

with third_party():
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

PEM_TYPE = "ENCRYPTED SIGSTORE PRIVATE KEY"
PEM_TYPES = (PEM_TYPE, "ENCRYPTED COSIGN PRIVATE KEY")

# What the peer accepts. A file could ask for gigabytes of memory otherwise.
_COSTS = (32768, 65536, 131072)
_COST, _BLOCK_SIZE, _PARALLELISM = 65536, 8, 1
_KEY_SIZE, _SALT_SIZE, _NONCE_SIZE = 32, 32, 24


class WrongPassphrase(GitopsError):
    """An encrypted private key that the given passphrase does not open."""

    code = "wrong_passphrase"


def seal(plaintext: bytes, passphrase: bytes) -> bytes:
    """The JSON document, in the key order of the peer."""
    salt, nonce = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(_NONCE_SIZE)
    box = SecretBox(_derive(passphrase, salt, _COST))
    return strict_json.compact(
        {
            "kdf": {
                "name": "scrypt",
                "params": {"N": _COST, "r": _BLOCK_SIZE, "p": _PARALLELISM},
                "salt": base64.encode(salt),
            },
            "cipher": {"name": "nacl/secretbox", "nonce": base64.encode(nonce)},
            "ciphertext": base64.encode(box.encrypt(plaintext, nonce).ciphertext),
        }
    )


def unseal(document: bytes, passphrase: bytes, where: str) -> bytes:
    """The plaintext; UnreadableKey for a document of another shape, WrongPassphrase where the box does not open."""
    try:
        value = strict_json.load_object(document, where)
        kdf, cipher = _object(value, "kdf"), _object(value, "cipher")
        cost = _cost(kdf)
        salt, nonce, ciphertext = _decode(kdf, "salt"), _decode(cipher, "nonce"), _decode(value, "ciphertext")
        if kdf.get("name") != "scrypt" or cipher.get("name") != "nacl/secretbox" or len(nonce) != _NONCE_SIZE:
            raise ValueError("not scrypt with nacl/secretbox")
    except (ValueError, strict_json.MalformedJson) as error:
        raise UnreadableKey(f"{where}: not an encrypted key as cosign writes it: {error}") from None
    try:
        return bytes(SecretBox(_derive(passphrase, salt, cost)).decrypt(ciphertext, nonce))
    except CryptoError:
        newline = " (it ends with a newline, which counts)" if passphrase.endswith(b"\n") else ""
        raise WrongPassphrase(f"{where}: the passphrase does not open this key{newline}") from None


def _derive(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    # OpenSSL refuses what needs 32 MiB or more unless told; the need is 128 * N * r and a little.
    limit = 2 * 128 * cost * _BLOCK_SIZE
    return hashlib.scrypt(passphrase, salt=salt, n=cost, r=_BLOCK_SIZE, p=_PARALLELISM, maxmem=limit, dklen=_KEY_SIZE)


def _cost(kdf: dict[str, t.Any]) -> int:
    params = _object(kdf, "params")
    if any(isinstance(value, bool) or not isinstance(value, int) for value in params.values()):
        raise ValueError("unsupported scrypt parameters")
    cost = params.get("N")
    if params != {"N": cost, "r": _BLOCK_SIZE, "p": _PARALLELISM} or cost not in _COSTS:
        raise ValueError("unsupported scrypt parameters")
    return t.cast(int, cost)


def _object(value: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    member = value.get(name)
    if not isinstance(member, dict):
        raise ValueError(f"{name} is missing")
    return member


def _decode(value: dict[str, t.Any], name: str) -> bytes:
    member = value.get(name)
    if not isinstance(member, str) or not member:
        raise ValueError(f"{name} is missing")
    return base64.decode(member)
