# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `public_keys`: items with `path` or `content`."""

from __future__ import annotations

import os

from .._cosign.keys import PublicKey
from .._cosign.pem import UnreadableKey
from .._shared.errors import InvalidOption
from .._tasks.signing.key_reading import read_key_file
from .argspec import Option, Params


def public_keys_option(**beside: Option) -> Option:
    """The option; its items may have more options `beside` the two."""
    return {
        "type": "list",
        "elements": "dict",
        "no_log": False,
        "options": {**beside, "path": {"type": "path"}, "content": {"type": "str", "no_log": False}},
        "required_one_of": [("path", "content")],
        "mutually_exclusive": [("path", "content")],
    }


def public_keys(params: Params, hint: str = "") -> list[PublicKey]:
    """The keys. InvalidOption names item and part; `hint` ends what is said of a key that cannot be one."""
    return [_public_key(item, f"public_keys[{number}]", hint) for number, item in enumerate(params["public_keys"])]


def _public_key(item: Params, where: str, hint: str) -> PublicKey:
    if item["content"] is not None:
        part, named, pem = f"{where}.content", "", item["content"].encode("utf-8", "surrogateescape")
    else:
        path = os.path.expanduser(item["path"])
        part, named, pem = f"{where}.path", f"{path}: ", read_key_file(path, f"{where}.path")
    try:
        return PublicKey.load(pem, part)
    except UnreadableKey as error:
        raise InvalidOption(part, f"{named}{error.message.removeprefix(f'{part}: ')}{hint}") from None
