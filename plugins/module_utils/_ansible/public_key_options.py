# SPDX-License-Identifier: GPL-3.0-or-later
"""A public key among a module's options: an item with `path`, `content` or `uri`."""

from __future__ import annotations

import os
import typing as t

from .._cosign.keys import PublicKey
from .._cosign.pem import UnreadableKey
from .._shared.errors import InvalidOption
from .._tasks.signing.key_reading import read_key_file

if t.TYPE_CHECKING:  # pragma: no cover
    from .key_store_options import Stored

OPTIONS: dict[str, dict[str, t.Any]] = {
    "path": {"type": "path"},
    "content": {"type": "str", "no_log": False},
    "uri": {"type": "str"},
}
ONE_OF = tuple(OPTIONS)


def public_key(item: t.Mapping[str, t.Any], where: str, stored: Stored, hint: str = "") -> PublicKey:
    """The key; `stored` gives the one that a URI names.

    InvalidOption names `where` with its part; `hint` ends what is said of a key that cannot be one.
    """
    if item["uri"] is not None:
        return stored(item["uri"], f"{where}.uri").public
    if item["content"] is not None:
        part, named, pem = f"{where}.content", "", item["content"].encode("utf-8", "surrogateescape")
    else:
        path = os.path.expanduser(item["path"])
        part, named, pem = f"{where}.path", f"{path}: ", read_key_file(path, f"{where}.path")
    try:
        return PublicKey.load(pem, part)
    except UnreadableKey as error:
        raise InvalidOption(part, f"{named}{error.message.removeprefix(f'{part}: ')}{hint}") from None
