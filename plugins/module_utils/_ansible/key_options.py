# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a signing module: plugins/doc_fragments/_privatekey.py documents these options."""

from __future__ import annotations

import os
import typing as t

from .._cosign.keys import UnusableKey
from .._cosign.signatory import NamedByKey
from .._cosign.signing_key import SigningKey
from .._shared.errors import InvalidOption
from .._tasks.signing.key_reading import read_key_file
from .argspec import ArgumentSpec, Params, Register, passphrase, variable
from .key_store_options import KEY_STORE, key_file, store_signer

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.signatory import Named
    from .._cosign.signer import Signer

_KEY, _PATH, _CONTENT, _PASSPHRASE = "key", "privatekey_path", "privatekey_content", "privatekey_passphrase"
_ENVIRONMENT = {
    _KEY: "PROVEN_KEY",
    _PATH: "PROVEN_PRIVATEKEY_PATH",
    _CONTENT: "COSIGN_PRIVATE_KEY",
    _PASSPHRASE: "COSIGN_PASSWORD",
}

KEYS = (_KEY, _PATH, _CONTENT)  # the options that name a private key

# Not `mutually_exclusive`: that counts a variable that happens to be set against an option that was given.
PRIVATE_KEY = ArgumentSpec(
    options={
        _KEY: variable("str", _ENVIRONMENT[_KEY], no_log=False),
        _PATH: variable("path", _ENVIRONMENT[_PATH]),
        _CONTENT: variable("str", _ENVIRONMENT[_CONTENT], no_log=True),
        _PASSPHRASE: passphrase(_ENVIRONMENT[_PASSPHRASE]),
    },
).merge(KEY_STORE)


def signer(params: Params, register: Register) -> tuple[Signer, Named]:
    """What signs by PRIVATE_KEY's options, and who that is.

    Errors as signing_key() has them, and those of key stores; NoSuchKey where the store has no such key.
    """
    if _source(params) == _KEY:
        held = key_file(params[_KEY], _KEY, params, register)
        if held is None:
            stored = store_signer(params[_KEY], params, register)
            return stored, stored
        passphrase = held.passphrase
        if passphrase is None:
            passphrase = passphrase_bytes(params[_PASSPHRASE], _PASSPHRASE)
        key = _usable(held.private, passphrase, held.where)
    else:
        key = signing_key(params)
    return key, NamedByKey(key)


def signing_key(params: Params) -> SigningKey:
    """The decrypted key of a file or its content.

    InvalidOption, UnreadableKey, WrongPassphrase or UnusableKey, each naming the option, before anything is sent.
    """
    passphrase = passphrase_bytes(params[_PASSPHRASE], _PASSPHRASE)
    if _source(params) == _PATH:
        path = t.cast(str, params[_PATH])
        where, pem = f"{_PATH}: {path}", read_key_file(path, _PATH)
    else:
        where, pem = _CONTENT, t.cast(str, params[_CONTENT]).encode("utf-8", "surrogateescape")
    return _usable(pem, passphrase, where)


def _usable(pem: bytes, passphrase: bytes, where: str) -> SigningKey:
    key = SigningKey.load(pem, passphrase, where)
    if key.refusal is not None:
        raise UnusableKey(f"{where}: {key.refusal}", kind=key.public.kind)
    return key


def missing_key(params: Params) -> InvalidOption | None:
    """What is said of a key file that is not there; None where there is one, or the key is no file.

    In check mode an earlier task of the play may be the one to make it.
    """
    if _source(params) == _KEY:
        return None
    passphrase_bytes(params[_PASSPHRASE], _PASSPHRASE)
    path = t.cast(str, params[_PATH])
    if _source(params) != _PATH or os.path.lexists(path):
        return None
    return InvalidOption(_PATH, f"{path} does not exist", path=path)


def passphrase_bytes(value: str | None, option: str) -> bytes:
    """A passphrase as the bytes that cosign would see; InvalidOption where it is null instead of empty."""
    if value is None:
        raise InvalidOption(option, "it must be given, if only as an empty string")
    return value.encode("utf-8", "surrogateescape")


def _source(params: Params) -> str:
    """Which of the options names the key: one that was given comes before one from the environment."""
    found = [name for name in KEYS if params[name]]
    given = [name for name in found if params[name] != os.environ.get(_ENVIRONMENT[name])]
    if len(given) == 1:
        return given[0]
    if len(found) != 1:
        raise InvalidOption(_PATH, f"exactly one of it, {_CONTENT} and {_KEY} must be given")
    return found[0]
