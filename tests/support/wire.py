# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted HTTP server over real sockets: it plays answers in order, and holds each request against what is expected.

    with Wire() as wire:
        wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"}, sent={"Authorization": None})
        ... what is tested talks to wire.host ...

Leaving the block fails for a request that differs, for one too many, and for each that never came.
"""

from __future__ import annotations

import email.message
import http.client
import socket
import socketserver
import ssl
import struct
import threading
import typing as t
from dataclasses import dataclass, field
from http import HTTPStatus

Headers = t.Mapping[str, str]
Pieces = t.Iterable[bytes]


@dataclass
class Step:
    """A request as it must come, and the answer to it."""

    method: str
    target: str | None  # None: any
    status: int
    headers: Headers
    body: bytes | t.Callable[[], Pieces]  # a function gives the pieces, and may wait between them
    sent: t.Mapping[str, str | None]  # header -> its value, or None where it must not be there
    sent_body: bytes | None  # None: any
    raw: bytes | None = None  # sent instead of an answer, or byte by byte with `drip` seconds between them
    drip: float = 0.0
    keep: bool = False  # go on with this connection after `raw`
    cut: int | None = None  # bytes of the body after which the connection is closed
    reset: bool = False  # the connection is reset instead of an answer
    read: int | None = None  # bytes of the request's body that are read before answering; None: all
    tunnel: ssl.SSLContext | None = None  # go on with TLS after the answer: the end of a CONNECT
    gate: threading.Event | None = None  # the answer waits for it


@dataclass
class Seen:
    """A request that came."""

    method: str
    target: str
    headers: email.message.Message
    body: bytes = field(repr=False)
    client: tuple[str, int]  # of one connection as long as this stays the same


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


class Wire:
    """One port of this machine, and the script of what happens there."""

    def __init__(self, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> None:
        self.seen: list[Seen] = []
        self.problems: list[str] = []
        self._steps: list[Step] = []
        self._repeated: list[Step] = []
        self._lock = threading.Lock()
        self._tls = tls
        self._name = name
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def host(self) -> str:
        """`name:port`, as in a reference."""
        return f"{self._name}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The origin."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def expect(
        self,
        method: str,
        target: str | None = None,
        *,
        status: int = 200,
        headers: Headers | None = None,
        body: bytes | t.Callable[[], Pieces] = b"",
        sent: t.Mapping[str, str | None] | None = None,
        sent_body: bytes | None = None,
        always: bool = False,
        **more: t.Any,
    ) -> None:
        """Add a step to the end of the script; with `always`, one for whatever the script has no step for."""
        step = Step(method, target, status, headers or {}, body, sent or {}, sent_body, **more)
        (self._repeated if always else self._steps).append(step)

    def check(self) -> None:
        """Fail unless all went by the script so far and to its end."""
        missing = [f"never came: {step.method} {step.target}" for step in self._steps]
        assert not self.problems + missing, "\n".join(self.problems + missing)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_more: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        if kind is None or self.problems:
            self.check()

    def wait(self, seconds: float) -> None:
        """For bodies that dawdle: wait, but not longer than the server lives."""
        self._closing.wait(seconds)

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connection: socket.socket = self.request
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    if wire._tls is not None:
                        connection = wire._tls.wrap_socket(connection, server_side=True)
                    _Conversation(wire, connection, self.client_address).run()
                except OSError:
                    pass  # the client went away: what that means is for the test to say
                finally:
                    connection.close()

        return Handler

    def take(self, seen: Seen) -> Step | None:
        """The step for a request, which is held against it; None where the script has come to its end."""
        with self._lock:
            self.seen.append(seen)
            step = self._steps.pop(0) if self._steps else next((s for s in self._repeated if _fits(s, seen)), None)
            if step is None:
                self.problems.append(f"one too many: {seen.method} {seen.target}")
                return None
            self.problems += _differences(step, seen)
            return step


def _fits(step: Step, seen: Seen) -> bool:
    return step.method == seen.method and step.target in (None, seen.target)


def _differences(step: Step, seen: Seen) -> list[str]:
    found = []
    if not _fits(step, seen):
        found.append(f"{step.method} {step.target} was expected, {seen.method} {seen.target} came")
    for name, value in step.sent.items():
        if seen.headers.get(name) != value:
            found.append(f"{seen.method} {seen.target}: {name} is {seen.headers.get(name)!r}, not {value!r}")
    if step.sent_body is not None and step.sent_body != seen.body:
        found.append(f"{seen.method} {seen.target}: the body is {seen.body[:200]!r}, not {step.sent_body[:200]!r}")
    return found


class _Conversation:
    """Requests and answers of one connection."""

    def __init__(self, wire: Wire, connection: socket.socket, client: tuple[str, int]) -> None:
        self._wire = wire
        self._connection = connection
        self._client = client
        self._file = connection.makefile("rb")

    def run(self) -> None:
        if self._file.peek(1)[:1] == b"\x16":  # a TLS handshake; real servers answer it so
            self._connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        while line := self._file.readline(65536):
            method, target, _version = line.decode("latin-1").split(" ", 2)
            headers = http.client.parse_headers(self._file)
            peek = self._peek(method)
            length = int(headers.get("Content-Length", "0"))
            body = self._file.read(length if peek is None else min(peek, length))
            step = self._wire.take(Seen(method, target, headers, body, self._client))
            if step is None or not self._answer(step, method):
                return

    def _peek(self, method: str) -> int | None:
        """How much of the request's body the next step wants to read."""
        steps = self._wire._steps
        return steps[0].read if steps and steps[0].method == method else None

    def _answer(self, step: Step, method: str) -> bool:
        """Play a step; whether the connection goes on."""
        if step.gate is not None:
            step.gate.wait(30)
        if step.reset:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._file.close()
            self._connection.close()
            return False
        if step.raw is not None:
            for piece in [step.raw] if not step.drip else (step.raw[n : n + 1] for n in range(len(step.raw))):
                self._wire.wait(step.drip)
                self._connection.sendall(piece)
            return step.keep
        pieces = [step.body] if isinstance(step.body, bytes) else step.body()
        headers = dict(step.headers)
        if isinstance(step.body, bytes) and not {"Content-Length", "Transfer-Encoding"} & set(headers):
            headers["Content-Length"] = str(len(step.body))
        head = f"HTTP/1.1 {step.status} {_phrase(step.status)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, values in headers.items() for value in values.split("\n"))
        self._connection.sendall(head.encode("latin-1") + b"\r\n")
        if method != "HEAD" and not self._send(pieces, step.cut):
            return False
        if step.tunnel is not None:
            self._connection = step.tunnel.wrap_socket(self._connection, server_side=True)
            self._file = self._connection.makefile("rb")
        return step.read is None and headers.get("Connection") != "close" and isinstance(step.body, bytes)

    def _send(self, pieces: Pieces, cut: int | None) -> bool:
        for piece in pieces:
            if cut is not None and len(piece) >= cut:
                self._connection.sendall(piece[:cut])
                return False
            self._connection.sendall(piece)
            cut = None if cut is None else cut - len(piece)
        return True


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
