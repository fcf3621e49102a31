# SPDX-License-Identifier: GPL-3.0-or-later
"""The options `trusted_root` and `signing_config`: a file, the document itself, or where TUF distributes it."""

from __future__ import annotations

import json
import os
import typing as t

from .._cosign import trusted_root
from .._shared.errors import InvalidOption
from .argspec import Params

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.trusted_root import TrustedRoot

PUBLIC_GOOD = "public-good"


def root(params: Params) -> TrustedRoot:
    """The trusted root of a task."""
    return trusted_root.parse(document(params["trusted_root"], "trusted_root"), "trusted_root")


def document(given: t.Any, option: str) -> bytes:
    """The bytes of a JSON document that an option names or holds; InvalidOption where there is none."""
    if isinstance(given, t.Mapping):
        return json.dumps(given).encode()
    if not isinstance(given, str) or not given.strip():
        raise InvalidOption(option, "a file, the document itself, public-good or the https address of a TUF mirror")
    if given.lstrip().startswith("{"):
        return given.encode("utf-8", "surrogateescape")
    return _file(os.path.expanduser(given), option)


def _file(path: str, option: str) -> bytes:
    try:
        with open(path, "rb") as source:
            return source.read(trusted_root.MAX_SIZE + 1)
    except OSError as error:
        raise InvalidOption(option, f"{path} cannot be read: {error.strerror}", path=path) from None
