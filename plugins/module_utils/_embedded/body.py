# SPDX-License-Identifier: GPL-3.0-or-later
"""A request's body as a stream of known or chunked length, never held in memory as a whole.

Source: RFC 9112, section 6 (message body) and 7.1 (chunked transfer coding).
"""

from __future__ import annotations

import re
import typing as t

from .message import ApiError

if t.TYPE_CHECKING:  # pragma: no cover
    from email.message import Message

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE_LIMIT = 4096
_TRAILER_LIMIT = 64
DRAIN_BUFFER = 256 * 1024


class BodyTruncated(ConnectionError):
    """The client stopped sending inside the body."""


class Body:
    """A body of `length` bytes."""

    def __init__(self, stream: t.BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length
        self.length: int | None = length
        self.broken = False

    @property
    def finished(self) -> bool:
        """Whether everything the client announced was read, so that the connection can carry another request."""
        return self._left == 0

    def readinto(self, view: memoryview) -> int:
        """Fill the start of `view`; 0 at the end of the body. Raises BodyTruncated."""
        wanted = min(len(view), self._left)
        if not wanted:
            return 0
        count = t.cast("t.Any", self._stream).readinto(view[:wanted])
        if not count:
            self.broken = True
            raise BodyTruncated("the client closed the connection inside a body")
        self._left -= count
        return int(count)

    def read_all(self, limit: int) -> bytes:
        """The whole body, which must not be longer than `limit` bytes."""
        content = bytearray()
        buffer = memoryview(bytearray(min(DRAIN_BUFFER, limit + 1)))
        if self.length is not None and self.length > limit:
            raise ApiError("SIZE_INVALID", f"the body is {self.length} bytes long, the limit is {limit}")
        while count := self.readinto(buffer):
            content += buffer[:count]
            if len(content) > limit:
                raise ApiError("SIZE_INVALID", f"the body is longer than {limit} bytes")
        return bytes(content)

    def drain(self, limit: int) -> None:
        """Read and drop at most `limit` bytes of what is left, so that an early answer is not lost to a reset."""
        buffer = memoryview(bytearray(min(DRAIN_BUFFER, limit)))
        while limit > 0 and not self.finished and not self.broken:
            limit -= self.readinto(buffer) or limit


class ChunkedBody(Body):
    """A body in the chunked transfer coding."""

    def __init__(self, stream: t.BinaryIO) -> None:
        super().__init__(stream, 0)
        self.length = None
        self._ended = False
        self._first = True

    @property
    def finished(self) -> bool:
        return self._ended

    def readinto(self, view: memoryview) -> int:
        if self._ended:
            return 0
        if not self._left and not self._next_chunk():
            return 0
        return super().readinto(view)

    def _next_chunk(self) -> bool:
        if not self._first and self._line() not in (b"\r\n", b"\n"):
            self._malformed("a chunk is longer than it says")
        self._first = False
        match = _CHUNK_SIZE.fullmatch(self._line())
        if match is None:
            self._malformed("a chunk's size is not hexadecimal")
        self._left = int(match.group(1), 16)
        if not self._left:
            self._trailers()
        return self._left > 0

    def _trailers(self) -> None:
        for _count in range(_TRAILER_LIMIT):
            if self._line() in (b"\r\n", b"\n"):
                self._ended = True
                return
        self._malformed("too many trailer fields")

    def _line(self) -> bytes:
        line = self._stream.readline(_LINE_LIMIT + 1)
        if not line:
            self.broken = True
            raise BodyTruncated("the client closed the connection inside a body")
        if len(line) > _LINE_LIMIT:
            self._malformed("a chunk's header is too long")
        return line

    def _malformed(self, reason: str) -> t.NoReturn:
        self.broken = True
        raise ApiError("UNSUPPORTED", f"malformed chunked body: {reason}", status=400)


def body_of(headers: Message, stream: t.BinaryIO) -> Body:
    """The body that the header fields announce. Ambiguous framing, by which requests are smuggled, is refused."""
    lengths = set(headers.get_all("Content-Length") or [])
    codings = headers.get_all("Transfer-Encoding") or []
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise ApiError("UNSUPPORTED", "Transfer-Encoding: only chunked, and without Content-Length", status=400)
        return ChunkedBody(stream)
    if not lengths:
        return Body(stream, 0)
    length = lengths.pop()
    if lengths or not re.fullmatch(r"[0-9]{1,18}", length):
        raise ApiError("UNSUPPORTED", "Content-Length: not one number", status=400)
    return Body(stream, int(length))
