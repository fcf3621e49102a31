# SPDX-License-Identifier: GPL-3.0-or-later
"""A JSON document of Sigstore's as an option gives it: in a file, or by itself."""

from __future__ import annotations

import json
import os
import typing as t

from .._cosign.trusted_root import MAX_SIZE
from .._shared.errors import InvalidOption


def given(value: t.Any, option: str, other: str = "") -> bytes:
    """The bytes; InvalidOption where there are none. `other` is what else the option takes, for its message."""
    if isinstance(value, t.Mapping):
        return json.dumps(value).encode()
    if not isinstance(value, str) or not value.strip():
        raise InvalidOption(option, f"give a file, the document itself{', ' if other else ''}{other}")
    if value.lstrip().startswith("{"):
        return value.encode("utf-8", "surrogateescape")
    return read(value, option)


def read(name: str, option: str) -> bytes:
    """The bytes of a file, at most one more than a document may have."""
    path = os.path.expanduser(name)
    try:
        with open(path, "rb") as source:
            return source.read(MAX_SIZE + 1)
    except OSError as error:
        raise InvalidOption(option, f"{path} cannot be read: {error.strerror}", path=path) from None
