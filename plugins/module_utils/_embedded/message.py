# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, responses and errors of the registry's API, apart from how HTTP carries them.

Source: OCI distribution-spec v1.1, "API" and "Error Codes".
"""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from dataclasses import dataclass, field

if t.TYPE_CHECKING:  # pragma: no cover
    from email.message import Message

    from .body import Body

JSON = "application/json"

# Error codes of the specification (and the few that distribution adds) -> status.
_STATUS = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DENIED": 403,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 400,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "PAGINATION_NUMBER_INVALID": 400,
    "RANGE_INVALID": 416,
    "SIZE_INVALID": 413,
    "TAG_INVALID": 400,
    "UNAUTHORIZED": 401,
    "UNKNOWN": 500,
    "UNSUPPORTED": 405,
}


@dataclass
class FileBody:
    """A slice of an open file, sent without passing through memory; whoever sends it closes the file."""

    file: t.BinaryIO
    offset: int
    length: int


@dataclass
class Response:
    """An answer. An iterable body is sent as it comes; without a `Content-Length` the connection ends with it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileBody | t.Iterable[bytes] = b""

    def content_length(self) -> int | None:
        """Bytes in the body, or None where only sending it can tell."""
        if isinstance(self.body, bytes):
            return len(self.body)
        return self.body.length if isinstance(self.body, FileBody) else None


@dataclass
class Request:
    """A request. `path` is decoded, `target` is the raw request target; `host` is the authority the client used."""

    method: str
    target: str
    headers: Message
    body: Body
    host: str
    scheme: str = "http"
    path: str = field(init=False)
    query: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        path, _mark, query = self.target.partition("?")
        self.path = urllib.parse.unquote(path) if "%" in path else path
        self.query = urllib.parse.parse_qs(query, keep_blank_values=True) if query else {}

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None


class ApiError(Exception):
    """A refusal, answered as `{"errors": [{"code", "message", "detail"}]}`; `headers` go with the answer."""

    def __init__(
        self, code: str, message: str, *, detail: t.Any = None, status: int = 0, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.status = status or _STATUS[code]
        self.headers = headers or {}

    def response(self) -> Response:
        error = {"code": self.code, "message": self.message, "detail": self.detail}
        return json_response({"errors": [error]}, status=self.status, headers=self.headers)


class Disconnect(Exception):
    """Raised by a hook (or a body that a hook put in place) to cut the connection without an answer."""


def json_response(
    value: t.Any, *, status: int = 200, headers: dict[str, str] | None = None, content_type: str = JSON
) -> Response:
    return Response(status, {"Content-Type": content_type, **(headers or {})}, json.dumps(value).encode())


class Hook:
    """What may watch or bend a request on its way: tests inject faults with it. Runs in the connection's thread."""

    def before(self, request: Request) -> Response | None:
        """Called ahead of authentication; a response given here is sent instead of the registry's own."""
        del request
        return None

    def after(self, request: Request, response: Response) -> Response:
        """Called with the finished answer, errors included; what it gives back is sent."""
        del request
        return response
