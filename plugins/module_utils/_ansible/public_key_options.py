# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `public_keys`: items with `path`, `content` or `uri`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._cosign.keys import PublicKey
from .._cosign.pem import UnreadableKey
from .._shared.errors import InvalidOption
from .._tasks.signing.key_reading import read_key_file
from .argspec import ArgumentSpec, Option, Params, Register
from .key_store_options import KEY_STORE, key_file, stored_key


@dataclass(frozen=True)
class GivenKey:
    """A key, and the URI that it came from, if any, with the version that was taken."""

    public: PublicKey
    origin: str = ""


_ONE_OF = ("path", "content", "uri")


def public_keys_option(**beside: Option) -> ArgumentSpec:
    """The option, and how the store of a key is reached; its items may have more options `beside` the three."""
    option: Option = {
        "type": "list",
        "elements": "dict",
        "no_log": False,
        "options": {
            **beside,
            "path": {"type": "path"},
            "content": {"type": "str", "no_log": False},
            "uri": {"type": "str"},
        },
        "required_one_of": [_ONE_OF],
        "mutually_exclusive": [_ONE_OF],
    }
    return ArgumentSpec(options={"public_keys": option}).merge(KEY_STORE)


def public_keys(params: Params, register: Register, hint: str = "") -> list[GivenKey]:
    """The keys. InvalidOption names item and part; `hint` ends what is said of a key that cannot be one."""
    items = enumerate(params["public_keys"] or [])
    return [_public_key(item, f"public_keys[{number}]", hint, params, register) for number, item in items]


def _public_key(item: Params, where: str, hint: str, params: Params, register: Register) -> GivenKey:
    origin = ""
    if item["uri"] is not None:
        part = f"{where}.uri"
        held = key_file(item["uri"], part, params, register)
        if held is None:
            return _stored(item["uri"], part, params, register)
        named, pem, origin = f"{item['uri']}: ", held.public, item["uri"]
    elif item["content"] is not None:
        part, named, pem = f"{where}.content", "", item["content"].encode("utf-8", "surrogateescape")
    else:
        path = os.path.expanduser(item["path"])
        part, named, pem = f"{where}.path", f"{path}: ", read_key_file(path, f"{where}.path")
    try:
        return GivenKey(PublicKey.load(pem, part), origin)
    except UnreadableKey as error:
        raise InvalidOption(part, f"{named}{error.message.removeprefix(f'{part}: ')}{hint}") from None


def _stored(uri: str, part: str, params: Params, register: Register) -> GivenKey:
    found = stored_key(uri, part, params, register)
    return GivenKey(found.public, f"{uri} (version {found.version})" if found.version else uri)
