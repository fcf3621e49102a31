# SPDX-License-Identifier: GPL-3.0-or-later
"""How google-auth asks for a token: by our own client, so that its deadlines, limits, proxies and authorities hold."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._http import errors as http
from .._http.client import Client
from .._shared.requirements import third_party

with third_party():
    import google.auth.exceptions

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access

_LIMIT = 256 * 1024  # bytes of an answer


@dataclass(frozen=True)
class Answer:
    """What google-auth calls a Response."""

    status: int
    headers: t.Mapping[str, str]
    data: bytes


class Wire:
    """What google-auth calls a Request."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: t.Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_more: t.Any,
    ) -> Answer:
        del timeout  # ours holds
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        sent = body.encode() if isinstance(body, str) else body
        client = Client(
            f"{parts.scheme}://{parts.netloc}", self._access.http, register_secret=self._access.register_secret
        )
        try:
            reply = client.ask(method, target, body=sent, headers=dict(headers or {}), limit=_LIMIT)
        except http.HttpError as error:
            failure: Exception = google.auth.exceptions.TransportError(type(error).__name__)  # type: ignore[no-untyped-call]
            raise failure from None
        return Answer(reply.status, {"content-type": reply.headers.get("Content-Type", "")}, reply.body)
