# SPDX-License-Identifier: GPL-3.0-or-later
"""The options `trusted_root` and `signing_config`: a file, the document itself, or where TUF distributes it."""

from __future__ import annotations

import json
import os
import typing as t

from .._cosign import trusted_root
from .._shared import requirements
from .._shared.errors import InvalidOption
from .argspec import Option, Params

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.trusted_root import TrustedRoot
    from .._http.settings import HttpSettings

PUBLIC_GOOD = "public-good"
DOCUMENT: Option = {"type": "raw", "default": PUBLIC_GOOD}
TUF_ROOT: Option = {"type": "path"}
# What TUF calls the targets.
TARGETS = {"trusted_root": trusted_root.KEY, "signing_config": "signing_config.v0.2.json"}


def root(params: Params, settings: HttpSettings) -> TrustedRoot:
    """The trusted root of a task. Who distributes it is asked at once, by `settings`."""
    return trusted_root.parse(document(params, "trusted_root", settings), "trusted_root")


def document(params: Params, option: str, settings: HttpSettings) -> bytes:
    """The bytes of a JSON document that an option names or holds; InvalidOption where there is none."""
    given = params[option]
    if isinstance(given, t.Mapping):
        return json.dumps(given).encode()
    if not isinstance(given, str) or not given.strip():
        raise InvalidOption(option, f"a file, the document itself, {PUBLIC_GOOD} or the https address of a TUF mirror")
    if given.lstrip().startswith("{"):
        return given.encode("utf-8", "surrogateescape")
    if given == PUBLIC_GOOD or given.startswith(("https://", "http://")):
        return _mirrored(given, option, params["tuf_root"], settings)
    return _file(given, option)


def _mirrored(given: str, option: str, first_root: str | None, settings: HttpSettings) -> bytes:
    requirements.need("sigstore")
    from .._sigstore import mirror
    from .._sigstore.service import Service

    requirements.check()
    url = mirror.PUBLIC_GOOD if given == PUBLIC_GOOD else given.rstrip("/")
    first = _file(first_root, "tuf_root") if first_root else mirror.embedded_root(url)
    if first is None:
        raise InvalidOption("tuf_root", f"the first root.json of {url} is needed, to know whom to trust there")
    return mirror.fetch(Service("TUF mirror", url, settings), TARGETS[option], first, mirror.cache_directory())


def _file(given: str, option: str) -> bytes:
    path = os.path.expanduser(given)
    try:
        with open(path, "rb") as source:
            return source.read(trusted_root.MAX_SIZE + 1)
    except OSError as error:
        raise InvalidOption(option, f"{path} cannot be read: {error.strerror}", path=path) from None
