# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults by script on the embedded registry, over real sockets: whatever is not scripted a real registry answers.

    with faulty_registry(tmp_path, Fault("GET", "/referrers/", answer=Response(503))) as registry: ...

A fault waits for the requests that it is about, lets `skip` of them through, spoils the next `times`, and then rests.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from support.registry import RunningRegistry, running_registry

from ansible_collections.proven.gitops.plugins.module_utils._embedded.handler import Handler
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import (
    Disconnect,
    FileBody,
    Hook,
    Request,
    Response,
)

if t.TYPE_CHECKING:  # pragma: no cover
    import socket

Ending = t.Literal["close", "reset", "stall"]
_STALL = 30.0  # seconds, if the registry does not end before


@dataclass
class Fault:
    """What goes wrong with requests of a `method` to a `target`, both regular expressions; the first that fits acts.

    `answer` takes the place of the registry's own, `change` makes another of it, and `meanwhile` happens before it.
    `cut` bytes of an answer, its head included, are sent before its `ending`; `raw` bytes instead of an answer. `take`
    bytes of the request's body are read before the connection is reset.
    """

    method: str
    target: str
    skip: int = 0
    times: int | None = 1
    answer: Response | t.Callable[[Request], Response] | None = None
    change: t.Callable[[Request, Response], Response] | None = None
    meanwhile: t.Callable[[RunningRegistry], object] | None = None
    cut: int | None = None
    ending: Ending = "close"
    raw: t.Callable[[], t.Iterable[bytes]] | None = None
    take: int | None = None
    seen: int = 0
    happened: int = 0
    length: int = 0  # of the answer that was cut
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def claims(self, request: Request) -> bool:
        """Whether it is this fault's turn; counts."""
        if not re.fullmatch(self.method, request.method) or not re.search(self.target, request.target):
            return False
        with self._lock:
            self.seen += 1
            due = self.seen > self.skip and (self.times is None or self.seen <= self.skip + self.times)
            self.happened += due
            return due


@dataclass
class _Cut(Response):
    """An answer that ends early."""

    fault: Fault | None = None


class _Script(Hook):
    """Plays the faults; each thread is one connection, with one request at a time."""

    def __init__(self, registry: RunningRegistry, faults: t.Sequence[Fault]) -> None:
        self.registry = registry
        self.faults = list(faults)
        self._thread = threading.local()

    def before(self, request: Request) -> Response | None:
        fault = self._thread.fault = next((fault for fault in self.faults if fault.claims(request)), None)
        if fault is None:
            return None
        if fault.meanwhile is not None:
            fault.meanwhile(self.registry)
        if fault.take is not None:
            request.body.readinto(memoryview(bytearray(fault.take)))
            raise Disconnect
        return fault.answer(request) if callable(fault.answer) else fault.answer

    def after(self, request: Request, response: Response) -> Response:
        fault: Fault | None = self._thread.fault
        if fault is None:
            return response
        if fault.change is not None:
            response = fault.change(request, whole(response))
        if fault.cut is None and fault.raw is None:
            return response
        response = whole(response)
        return _Cut(response.status, response.headers, response.body, fault)


def whole(response: Response) -> Response:
    """The answer with its body in memory."""
    if not isinstance(response.body, FileBody):
        return response
    with response.body.file as file:
        file.seek(response.body.offset)
        return Response(response.status, dict(response.headers), file.read(response.body.length))


class _Handler(Handler):
    """Sends the start of an answer only, where that was asked for."""

    closing: t.ClassVar[threading.Event]

    def _send(self, response: Response) -> None:
        fault = response.fault if isinstance(response, _Cut) else None
        if fault is None:
            super()._send(response)
            return
        self.close_connection = True
        connection: socket.socket = self.connection
        pieces = [self._bytes(response, fault)] if fault.raw is None else fault.raw()
        for piece in pieces:
            connection.sendall(piece)
        if fault.ending == "stall":
            self.closing.wait(_STALL)
        if fault.ending != "close":
            self._cut()

    def _bytes(self, response: Response, fault: Fault) -> bytes:
        """The start of the answer as it would be on the wire."""
        through, self.wfile = self.wfile, t.cast("t.Any", io.BytesIO())
        try:
            super()._send(response)
            answer = t.cast("io.BytesIO", self.wfile).getvalue()
        finally:
            self.wfile = through
        fault.length = len(answer)
        return answer[: fault.cut]


@contextlib.contextmanager
def faulty_registry(directory: Path, *faults: Fault, **options: t.Any) -> t.Iterator[RunningRegistry]:
    """A registry as `running_registry` makes it, where these things go wrong; more may be scripted by `spoil`."""
    with running_registry(directory, **options) as running:
        closing = threading.Event()
        running.server.RequestHandlerClass = type("FaultyHandler", (_Handler,), {"closing": closing})
        spoil(running, *faults)
        try:
            yield running
        finally:
            closing.set()


def spoil(registry: RunningRegistry, *faults: Fault) -> None:
    """Go on with these faults and no others, and with an empty record of requests."""
    registry.hooks[:] = [_Script(registry, faults)]
    registry.requests.clear()


def endless(start: bytes = b"", piece: bytes = b" " * 65536) -> t.Iterator[bytes]:
    """Bytes without an end; they stop when their reader is gone."""
    yield start
    while True:
        yield piece


def unannounced(answer: Response, body: bytes) -> Response:
    """The answer with another body, whose end is the end of the connection."""
    return Response(answer.status, unframed(answer), iter([body]))


def unframed(answer: Response) -> dict[str, str]:
    """The headers of an answer without its length."""
    return {name: value for name, value in answer.headers.items() if name != "Content-Length"}


def content(answer: Response) -> bytes:
    """The body of an answer in memory."""
    assert isinstance(answer.body, bytes)
    return answer.body
