# SPDX-License-Identifier: GPL-3.0-or-later
"""A trusted root or signing config as TUF distributes it: fetched by our HTTP, verified by the library `tuf`.

What was seen last is kept, so that nobody can give an older one. Sources: TUF specification 1.0; sigstore-python,
sigstore._internal.tuf.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import typing as t
from urllib.parse import quote

from .._shared.errors import InvalidOption
from .._shared.requirements import third_party
from .errors import BadAnswer, SigstoreError

if t.TYPE_CHECKING:  # pragma: no cover
    from .service import Service

with third_party():
    from securesystemslib.exceptions import StorageError
    from tuf.api import exceptions as tuf
    from tuf.ngclient.fetcher import FetcherInterface
    from tuf.ngclient.updater import Updater

    class _Fetcher(FetcherInterface):
        """The library's way to the network, which is ours."""

        def __init__(self, service: Service) -> None:
            self._service = service

        def _fetch(self, url: str) -> t.Iterator[bytes]:
            reply = self._service.get(url.removeprefix(self._service.url))
            if reply.status != 200:
                raise tuf.DownloadHTTPError(f"{url}: {reply.status}", reply.status)
            yield reply.body


PUBLIC_GOOD = "https://tuf-repo-cdn.sigstore.dev"


def fetch(service: Service, target: str, first_root: bytes | None, cache: str) -> bytes:
    """The newest `target` of a mirror. `first_root` is its first root.json, which is where trust begins."""
    directory = os.path.join(cache, quote(service.url, safe=""))
    with contextlib.suppress(FileExistsError):
        os.makedirs(directory, 0o700)
    try:
        updater = Updater(
            metadata_dir=directory,
            metadata_base_url=f"{service.url}/",
            target_base_url=f"{service.url}/targets/",
            target_dir=directory,
            fetcher=_Fetcher(service),
            bootstrap=first_root,
        )
        updater.refresh()
        found = updater.get_targetinfo(target)
        if found is None:
            raise service.bad(f"no {target} is distributed there")
        path = updater.find_cached_target(found) or updater.download_target(found)
        with open(path, "rb") as source:
            return source.read()
    except tuf.DownloadError as error:
        cause = error.__cause__ or error.__context__
        raise cause if isinstance(cause, SigstoreError) else service.bad(str(error)) from None
    except (tuf.RepositoryError, StorageError, OSError, ValueError) as error:
        raise BadAnswer(f"{service.name}: its metadata are not proven: {error}", service=service.url) from None


def embedded_root(url: str) -> bytes | None:
    """The first root.json of an instance that the library knows; None for any other."""
    place = importlib.resources.files("sigstore") / "_store" / quote(url, safe="") / "root.json"
    try:
        return place.read_bytes()
    except OSError:
        return None


def cache_directory() -> str:
    """Where what was seen last is kept, of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        raise InvalidOption(
            "trusted_root", "neither XDG_CACHE_HOME nor HOME names a directory to keep TUF's metadata in"
        )
    return os.path.join(base, "proven.gitops", "tuf")
