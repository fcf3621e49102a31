# SPDX-License-Identifier: GPL-3.0-or-later
"""The options `trusted_root` and `signing_config`: a file, the document itself, or where TUF distributes it."""

from __future__ import annotations

import typing as t

from .._cosign import trusted_root
from .._shared import requirements
from .._shared.errors import InvalidOption
from .argspec import Option, Params
from .trusted_root_file import given, read

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
    asked = params[option]
    if isinstance(asked, str) and (asked == PUBLIC_GOOD or asked.startswith(("https://", "http://"))):
        return _mirrored(asked, option, params["tuf_root"], settings)
    return given(asked, option, f"{PUBLIC_GOOD}, or the https address of a TUF mirror")


def _mirrored(asked: str, option: str, first_root: str | None, settings: HttpSettings) -> bytes:
    requirements.need("sigstore")
    from .._sigstore import mirror
    from .._sigstore.errors import SigstoreError
    from .._sigstore.service import Service

    requirements.check()
    url = mirror.PUBLIC_GOOD if asked == PUBLIC_GOOD else asked.rstrip("/")
    first = read(first_root, "tuf_root") if first_root else mirror.embedded_root(url)
    if first is None:
        raise InvalidOption("tuf_root", f"the first root.json of {url} is needed, to know whom to trust there")
    try:
        return mirror.fetch(Service("TUF mirror", url, settings), TARGETS[option], first, mirror.cache_directory())
    except SigstoreError as error:
        raise type(error)(f"{option}: {error.message}", **error.details) from None
