# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP/1.1 connection: requests in, responses out, kept alive as long as the framing is certain."""

from __future__ import annotations

import email.utils
import http
import http.server
import re
import typing as t

from .body import body_of
from .message import ApiError, Disconnect, FileBody, Request, Response

if t.TYPE_CHECKING:  # pragma: no cover
    from .server import RegistryServer

# What is read and dropped of a body nobody wanted, so that its sender gets to read the answer.
_DRAIN_LIMIT = 64 * 1024 * 1024
_IDLE_SECONDS = 300
_HOST = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](?::[0-9]{1,5})?")
_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
_BODYLESS = frozenset({204, 304})


class Handler(http.server.BaseHTTPRequestHandler):
    """Translates between the wire and `Request`/`Response`; it knows nothing of registries."""

    server: RegistryServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer's head and small body leave in one packet
    timeout = _IDLE_SECONDS

    def _serve(self) -> None:
        try:
            request = self._request()
        except ApiError as error:  # where this request ends, and the next begins, is not known
            self.close_connection = True
            self._send(error.response())
            return
        try:
            response = self.server.respond(request)
            request.body.drain(_DRAIN_LIMIT)
            if not request.body.finished:
                self.close_connection = True
            self._send(response)
        except (Disconnect, OSError):  # asked for by a hook, or the client is gone
            self._cut()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class's names

    def _request(self) -> Request:
        body = body_of(self.headers, t.cast("t.BinaryIO", self.rfile))
        host = self.headers.get("Host", "")
        if _HOST.fullmatch(host) is None:
            host = self.server.address
        return Request(self.command, self.path, self.headers, body, host, self.server.scheme)

    def _send(self, response: Response) -> None:
        head = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        head += [f"Date: {email.utils.formatdate(usegmt=True)}", "Docker-Distribution-Api-Version: registry/2.0"]
        head += self._framing(response)
        self.wfile.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
        self._send_body(response.body)

    def _framing(self, response: Response) -> list[str]:
        """The fields that say where the answer ends; the connection does, where nothing else can."""
        fields = []
        length = response.content_length()
        announced = response.headers.get("Content-Length")
        bodyless = self.command == "HEAD" or response.status in _BODYLESS
        if announced is None and length is not None and response.status not in _BODYLESS:
            announced = str(length)
            fields.append(f"Content-Length: {length}")
        if not bodyless and announced != str(length):  # a stream, or a hook that lies about the length
            self.close_connection = True
        return [*fields, "Connection: close"] if self.close_connection else fields

    def _send_body(self, body: bytes | FileBody | t.Iterable[bytes]) -> None:
        if isinstance(body, FileBody):
            with body.file:
                if self.command != "HEAD" and body.length:
                    self.wfile.flush()
                    sent = self.connection.sendfile(body.file, body.offset, body.length)
                    self.close_connection |= sent != body.length
        elif self.command == "HEAD":
            return
        elif isinstance(body, bytes):
            self.wfile.write(body)
        else:
            for part in body:
                self.wfile.write(part)
                self.wfile.flush()

    def _cut(self) -> None:
        """End the connection at once; what is buffered is not sent."""
        self.close_connection = True
        self.server.cut(self.connection)

    # BaseHTTPRequestHandler's own ways out

    def handle_expect_100(self) -> bool:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself: malformed request lines, oversize header fields, unknown methods."""
        del explain
        self.close_connection = True
        self._send(ApiError("UNSUPPORTED", message or _REASONS.get(code, "refused"), status=code).response())

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002 - the base class's name
        """No log of requests: it would grow without bound, and could hold what clients wish to keep."""

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:  # the last flush, to a client that has gone
            self.rfile.close()
