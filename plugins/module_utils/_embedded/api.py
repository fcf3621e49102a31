# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's API: from a request's method and path to what it reads or changes, and what it needs to be allowed.

Source: OCI distribution-spec v1.1, "Endpoints".
"""

from __future__ import annotations

import re
import typing as t

from .auth import Access, Authenticator
from .blobs import BlobEndpoints
from .contents import ContentEndpoints
from .message import JSON, ApiError, Request, Response
from .naming import check_name

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Store

_Endpoint = t.Callable[[Request, str, str], Response]

# A repository may itself be called `blobs` or `tags`: the last such component of the path is the one that counts.
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|blobs/uploads|referrers|tags)/(?P<last>[^/]*)")
_FIXED = {"/v2/": "base", "/v2": "base", "/v2/_catalog": "catalog"}
_ACTIONS = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("delete",)}
_CATALOG = Access("registry", "catalog", ("*",))


class Api:
    """All endpoints over one store. `referrers` off answers as a registry without that API does."""

    def __init__(self, store: Store, authenticator: Authenticator, *, referrers: bool = True) -> None:
        self.store = store
        self.authenticator = authenticator
        blobs = BlobEndpoints(store, authenticator)
        contents = ContentEndpoints(store, referrers=referrers)
        self._endpoints: dict[str, dict[str, _Endpoint]] = {
            "blobs": {"GET": blobs.get, "HEAD": blobs.get, "DELETE": blobs.delete},
            "uploads": {"POST": blobs.start},
            "upload": {"GET": blobs.status, "PATCH": blobs.patch, "PUT": blobs.finish, "DELETE": blobs.cancel},
            "manifests": {
                "GET": contents.get,
                "HEAD": contents.get,
                "PUT": contents.put,
                "DELETE": contents.delete,
            },
            "tags": {"GET": contents.tags},
            "catalog": {"GET": contents.catalog},
            "base": {"GET": _base, "HEAD": _base},
        }
        if referrers:
            self._endpoints["referrers"] = {"GET": contents.referrers}

    def handle(self, request: Request) -> Response:
        """Answer a request. Raises ApiError for everything that is refused."""
        token = self.authenticator.endpoint(request)
        if token is not None:
            return token
        kind, name, last = self._route(request.path)
        self.authenticator.check(request, _needed(request, kind, name))
        endpoint = self._endpoints[kind].get(request.method)
        if endpoint is None:
            allowed = {"Allow": ", ".join(self._endpoints[kind])}
            raise ApiError("UNSUPPORTED", f"{request.method} is not supported here", headers=allowed)
        return endpoint(request, name, last)

    def _route(self, path: str) -> tuple[str, str, str]:
        if path in _FIXED:
            return _FIXED[path], "", ""
        match = _PATH.fullmatch(path)
        kind, last = (match["kind"], match["last"]) if match else ("", "")
        if kind == "blobs/uploads":
            kind = "upload" if last else "uploads"
        elif (kind, last) == ("blobs", "uploads"):  # the trailing slash left out
            kind = "uploads"
        if match is None or kind not in self._endpoints or (kind == "tags" and last != "list"):
            raise ApiError("UNSUPPORTED", "no such endpoint", status=404)
        return kind, check_name(match["name"]), last


def _needed(request: Request, kind: str, name: str) -> tuple[Access, ...]:
    if kind == "base":
        return ()
    if kind == "catalog":
        return (_CATALOG,)
    if kind in ("uploads", "upload"):
        return (Access("repository", name, ("pull", "push")),)
    return (Access("repository", name, _ACTIONS.get(request.method, ("pull", "push"))),)


def _base(request: Request, name: str, last: str) -> Response:
    del request, name, last
    return Response(200, {"Content-Type": JSON}, b"{}")
