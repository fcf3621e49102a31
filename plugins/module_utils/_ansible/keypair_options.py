# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of cosign_keypair, and what they mean."""

from __future__ import annotations

import grp
import os
import pwd
import re
import typing as t

from .._kms.schemes import parse
from .._shared.errors import InvalidOption
from .._tasks.signing.key_files import KEEP, Access
from .._tasks.signing.keypair import KeyPair, Request
from .argspec import ArgumentSpec, Params, Register, passphrase
from .given import Rules
from .key_options import passphrase_bytes
from .key_store_options import KEY_STORE, key_secret, store

if t.TYPE_CHECKING:  # pragma: no cover
    from .._kms.store import Named
    from .._tasks._case import UseCase
    from .._tasks.signing.secret_pair import SecretPair

KEYPAIR = ArgumentSpec(
    options={
        "path": {"type": "path"},
        "key": {"type": "str", "no_log": False},
        "public_key_path": {"type": "path"},
        "passphrase": passphrase("COSIGN_PASSWORD"),
        "regenerate": {"type": "str", "choices": ["never", "public_key", "always"], "default": "never"},
        "mode": {"type": "raw"},
        "owner": {"type": "str"},
        "group": {"type": "str"},
    },
    required_one_of=(("path", "key"),),
    mutually_exclusive=(("path", "key"),),
    rules=Rules(numbers=frozenset({"owner", "group"})),
).merge(KEY_STORE)

_OCTAL = re.compile(r"(?:0o?)?([0-7]{3})\Z", re.ASCII)
_ALLOWED, _NEEDED = 0o660, 0o400


def keypair(params: Params, register: Register) -> UseCase[t.Any]:
    """The use-case; InvalidOption before anything is read."""
    if params["key"] is not None:
        return _stored(params, register)
    path = os.path.abspath(params["path"])
    return KeyPair(
        Request(
            path=path,
            public_path=os.path.abspath(params["public_key_path"] or _beside(path)),
            passphrase=passphrase_bytes(params["passphrase"], "passphrase"),
            regenerate=params["regenerate"],
            access=_access(params, _mode(params["mode"])),
        )
    )


def _stored(params: Params, register: Register) -> UseCase[t.Any]:
    """A key that is made where it is kept, and a file for its public half if one is named."""
    from .._tasks.signing.stored_pair import StoredPair

    if params["mode"] is not None:
        raise InvalidOption("mode", "it is that of a file for the private key, and with key there is none")
    if params["regenerate"] == "always":
        raise InvalidOption("regenerate", "a key in a key store is never replaced; always is for files only")
    named = parse(params["key"], "key")
    if named.scheme == "env://":
        raise InvalidOption("key", "nothing can be made in an environment variable: give path, or another URI")
    public_path = params["public_key_path"]
    return StoredPair(
        _secret_pair(named, params, register) if named.scheme == "k8s://" else store(named, params, register),
        os.path.abspath(public_path) if public_path else None,
        _access(params, 0o644),
        replace=params["regenerate"] == "public_key",
    )


def _secret_pair(named: Named, params: Params, register: Register) -> SecretPair:
    from .._tasks.signing.secret_pair import SecretPair

    passphrase = passphrase_bytes(params["passphrase"], "passphrase")
    return SecretPair(key_secret(named, params, register), passphrase)


def _access(params: Params, mode: int | None) -> Access:
    return Access(
        mode=mode,
        uid=_number("owner", params["owner"], lambda name: pwd.getpwnam(name).pw_uid),
        gid=_number("group", params["group"], lambda name: grp.getgrnam(name).gr_gid),
    )


def _beside(path: str) -> str:
    """As cosign has it: cosign.key and cosign.pub."""
    directory, name = os.path.split(path)
    return os.path.join(directory, (name.removesuffix(".key") or name) + ".pub")


def _mode(value: object) -> int | None:
    """YAML turns an unquoted 0600 into the number 384, and 600 into 600, which is another mode."""
    if value is None:
        return None
    match = _OCTAL.match(str(value)) if isinstance(value, str) else None
    mode = int(match.group(1), 8) if match else value
    if not isinstance(mode, int) or isinstance(mode, bool) or mode & ~_ALLOWED or not mode & _NEEDED:
        raise InvalidOption(
            "mode", f"{value!r} is not a mode that lets the owner read, and nobody but owner and group, such as '0640'"
        )
    return mode


def _number(option: str, name: str | None, lookup: t.Callable[[str], int]) -> int:
    if name is None:
        return KEEP
    try:
        return int(name) if name.isascii() and name.isdigit() else lookup(name)
    except KeyError:
        raise InvalidOption(option, f"{name!r} does not exist on this host") from None
