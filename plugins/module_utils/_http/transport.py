# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange, with retries and within a deadline; neither credentials nor redirects."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .deadline import Deadline, enforced
from .errors import BadAnswer, TooLong
from .failures import FAILURES, Broken, explain, is_final
from .pools import Pools
from .retry import Attempts
from .urls import Origin

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.scrub import Scrubber
    from .connections import Wire
    from .settings import HttpSettings

_CHUNK = 64 * 1024


class Source(t.Protocol):
    """A request's body that is read as it is sent."""

    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...


Body: t.TypeAlias = "bytes | t.Callable[[], Source] | None"


@dataclass(frozen=True)
class Request:
    """What to send. A body that is a function is opened anew for each attempt; `size` is then its length in bytes.

    `peer` is whom a message blames, by default the host of the URL. `home` is who sent us to the URL, where that is not
    the user: it may not send us to this machine. Without `repeat` nothing is sent twice.
    """

    method: str
    url: str
    headers: t.Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    size: int | None = None
    peer: str = ""
    home: Origin | None = None
    repeat: bool = True

    @property
    def what(self) -> str:
        """Method and path, where the host has been named already."""
        return f"{self.method} {urlsplit(self.url).path}"

    @property
    def where(self) -> str:
        """Method, host and path for messages. The query is left out: upload and storage URLs carry secrets in it."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"


class Answer:
    """A response whose body has not been read; to be closed, or read to its end."""

    def __init__(self, raw: Wire, request: Request, deadline: Deadline, settings: HttpSettings) -> None:
        self.raw = raw
        self.request = request
        self.status = raw.status
        self.headers = raw.headers
        self._deadline = deadline
        self._settings = settings

    @property
    def coding(self) -> str:
        """`Content-Encoding` where the body is said to be something else than the content, which nobody asked for."""
        coding = self.headers.get("Content-Encoding", "").lower()
        return "" if coding == "identity" else coding[:40]

    def chunks(self, limit: int, *, coded: bool = False) -> t.Iterator[bytes]:
        """The body in pieces; TooLong when it is longer than `limit` bytes or says so, Broken if cut short.

        A Content-Encoding is a BadAnswer, unless `coded`: then somebody else will judge the bytes as they came.
        """
        what = self.request.where
        if self.coding and not coded:
            raise BadAnswer(f"{what}: the answer is compressed, which was not asked for")
        announced = self.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:19]) > limit:
            raise TooLong(f"{what}: the answer is {announced[:19]} bytes long, more than {limit}")
        received = 0
        while piece := self._read():
            received += len(piece)
            if received > limit:
                raise TooLong(f"{what}: the answer is longer than {limit} bytes")
            yield piece

    def _read(self) -> bytes:
        if self._deadline.expired:
            raise Broken("the answer did not end in time", final=True)
        try:
            with enforced(self._deadline, self._settings.timeout):
                # read1, not read: that one waits until the chunk is full, however slowly it fills.
                piece = self.raw.read1(_CHUNK)
        except FAILURES as error:
            raise Broken(explain(error, self._settings), final=self._deadline.expired) from None
        self._deadline.moved(len(piece))
        return piece

    def read(self, limit: int) -> bytes:
        """The whole body; errors as in `chunks`. The connection is then free for the next request."""
        try:
            return b"".join(self.chunks(limit))
        finally:
            self.close()

    def read_start(self, limit: int) -> bytes:
        """At most `limit` bytes of the body, for a message."""
        text = b""
        try:
            while len(text) < limit and (piece := self._read()):
                text += piece
        finally:
            self.close()
        return text[:limit]

    def close(self) -> None:
        """Give the connection back where the body was read to its end, else drop it."""
        self.raw.close()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Transport:
    """Sends requests to any host. Thread-safe."""

    def __init__(
        self, settings: HttpSettings, scrubber: Scrubber, *, sleep: t.Callable[[float], None] = time.sleep
    ) -> None:
        self.settings = settings
        self._sleep = sleep
        self._pools = Pools(settings, scrubber)

    def attempts(self, request: Request, deadline: Deadline) -> Attempts:
        """The count of tries for an exchange."""
        peer = request.peer or f"{self.settings.kind} {urlsplit(request.url).netloc}"
        retries = None if request.repeat else 0
        return Attempts(peer, self.settings, deadline, retries=retries, sleep=self._sleep)

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """The answer, whatever its status but those that mean "later"; Unreachable when every attempt failed."""
        attempts = self.attempts(request, deadline)
        while True:
            try:
                answer = self.once(request, deadline)
            except Broken as broken:
                attempts.failed(broken)
                continue
            if answer.status not in self.settings.later:
                return answer
            answer.close()
            attempts.again(describe(answer), answer.raw)

    def read(self, request: Request, deadline: Deadline, limit: int) -> tuple[Answer, bytes]:
        """As `send`, with the body of at most `limit` bytes; an answer that breaks off is asked for again."""
        attempts = self.attempts(request, deadline)
        while True:
            answer = self.send(request, deadline)
            try:
                return answer, answer.read(limit)
            except Broken as broken:
                attempts.failed(broken)

    def once(self, request: Request, deadline: Deadline) -> Answer:
        """One attempt; Broken when no answer came."""
        timeout = self.settings.timeout
        if deadline.expired:
            raise Broken("there was no time left to ask", final=True)
        headers = {"User-Agent": self.settings.user_agent, "Accept-Encoding": "identity", **request.headers}
        body: bytes | Source | None
        source: Source | None = None
        if callable(request.body):
            body = source = request.body()
            headers["Content-Length"] = str(request.size or 0)
        else:
            body = request.body
        wait = min(timeout, max(deadline.remaining(), 0.01))
        try:
            with enforced(deadline, timeout):
                origin = Origin.of(request.url, request.where)
                raw = self._pools.ask(origin, request.method, request.url, body, headers, wait, request.home)
        except FAILURES as error:
            raise Broken(explain(error, self.settings), final=is_final(error) or deadline.expired) from None
        finally:
            if source is not None:
                source.close()
        return Answer(raw, request, deadline, self.settings)


def describe(answer: Answer) -> str:
    """`503 Service Unavailable`, in our words: the reason phrase is the peer's text."""
    phrases = {408: "Request Timeout", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway"}
    phrases |= {503: "Service Unavailable", 504: "Gateway Timeout", 401: "Unauthorized", 403: "Forbidden"}
    return f"{answer.status} {phrases.get(answer.status, '')}".strip()
