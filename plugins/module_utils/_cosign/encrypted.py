# SPDX-License-Identifier: GPL-3.0-or-later
"""The encrypted private key file of cosign: PEM around JSON around a NaCl secretbox, its key derived by scrypt.

Sources: cosign, pkg/cosign/keys.go; go-securesystemslib, encrypted/encrypted.go.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import textwrap
import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._artifact import strict_json
from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError
from ansible_collections.proven.gitops.plugins.module_utils._requirements import third_party

with third_party():
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

PEM_TYPE = "ENCRYPTED SIGSTORE PRIVATE KEY"
PEM_TYPES = (PEM_TYPE, "ENCRYPTED COSIGN PRIVATE KEY")
MAX_FILE = 65536  # bytes; an RSA-4096 key takes 5000

# What the peer accepts. A file could ask for gigabytes of memory otherwise.
_COSTS = (32768, 65536, 131072)
_COST, _BLOCK_SIZE, _PARALLELISM = 65536, 8, 1
_KEY_SIZE, _SALT_SIZE, _NONCE_SIZE = 32, 32, 24

_BLOCK = re.compile(
    rb"^-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)\r?\n?-----END \1-----[ \t]*\r?$", re.MULTILINE
)
_BEGIN = re.compile(rb"^-----BEGIN ", re.MULTILINE)


class UnreadableKey(GitopsError):
    """Bytes that are not the kind of key that is expected; the message says what they are and what to do."""

    code = "unreadable_key"


class WrongPassphrase(GitopsError):
    """An encrypted private key that the given passphrase does not open."""

    code = "wrong_passphrase"


def read_pem(data: bytes, where: str) -> tuple[str, bytes]:
    """The type and the DER (or other) content of the one PEM block in `data`; UnreadableKey otherwise.

    A second block is refused: cosign and Flux read only the first, so the others would be keys in name only.
    """
    if len(data) > MAX_FILE:
        raise UnreadableKey(f"{where}: more than {MAX_FILE} bytes, which no key has")
    if len(_BEGIN.findall(data)) > 1:
        raise UnreadableKey(f"{where}: more than one PEM block; give one key at a time")
    block = _BLOCK.search(data)
    if block is None:
        raise UnreadableKey(f"{where}: {'empty' if not data.strip() else 'not a key in PEM format'}")
    try:
        return block.group(1).decode(), base64.b64decode(b"".join(block.group(2).split()), validate=True)
    except binascii.Error as error:
        raise UnreadableKey(f"{where}: the PEM block is damaged: {error}") from None


def write_pem(label: str, content: bytes) -> bytes:
    """A PEM block with 64 columns, as Go's encoding/pem writes it."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def seal(plaintext: bytes, passphrase: bytes) -> bytes:
    """The JSON document, in the key order of the peer."""
    salt, nonce = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(_NONCE_SIZE)
    box = SecretBox(_derive(passphrase, salt, _COST))
    return strict_json.compact(
        {
            "kdf": {
                "name": "scrypt",
                "params": {"N": _COST, "r": _BLOCK_SIZE, "p": _PARALLELISM},
                "salt": _encode(salt),
            },
            "cipher": {"name": "nacl/secretbox", "nonce": _encode(nonce)},
            "ciphertext": _encode(box.encrypt(plaintext, nonce).ciphertext),
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
    return base64.b64decode(member, validate=True)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
