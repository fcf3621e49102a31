# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of an HTTP answer, read strictly: it is whole, each line of it is a header, and it says once where it ends.

http.client leaves this to the parser of e-mail, which takes the end of the connection for the end of the head and
drops what follows a line that is no header: then a broken connection could say "404", or hide what kind of answer it
is. Go's net/http, which the peers use, refuses both. It also takes a third of a request's CPU time
(docs/performance.md).
Source: RFC 9112, sections 4 to 6.
"""

from __future__ import annotations

import http.client
import re
import typing as t

_LINE = 64 * 1024
_LINES = 128
_INTERIM = 16  # answers of 1xx before the one that counts
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?:[ \t][^\r\n]*)?\r?\n")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"[0-9]{1,64}\Z", re.ASCII)
_NO_BODY = (204, 304)


class Headers:
    """The headers of an answer; names in any case."""

    def __init__(self, pairs: t.Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    @t.overload
    def get(self, name: str) -> str | None: ...

    @t.overload
    def get(self, name: str, default: str) -> str: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """The header's value; of several, all of them with commas between."""
        found = self._values.get(name.lower())
        return default if found is None else ", ".join(found)

    def getlist(self, name: str) -> list[str]:
        """Each of the header's values."""
        return self._values.get(name.lower(), [])


class StrictAnswer(http.client.HTTPResponse):
    """http.client's response with a head of our own reading; of the body nothing is read here."""

    fields: Headers

    def begin(self) -> None:
        """Read the head; http.client's own exceptions for one that is none, or breaks off."""
        minor, status = self._final_status()
        pairs = self._pairs()
        self.fields = fields = Headers(pairs)
        self.headers = self.msg = self._message(pairs)
        self.version, self.code, self.status, self.reason = 10 + minor, status, status, ""
        tokens = {token.strip() for token in fields.get("Connection", "").lower().split(",")}
        self.will_close = "close" in tokens or (minor == 0 and "keep-alive" not in tokens)
        # Whatever the headers say, these have no body.
        bodiless = status in _NO_BODY or t.cast("t.Any", self)._method == "HEAD"
        self.chunked, self.chunk_left = t.cast("t.Any", not bodiless and self._is_chunked(fields)), None
        self.length = 0 if bodiless else None if self.chunked else self._announced(fields)
        if self.length is None and not self.chunked:
            self.will_close = True

    def _message(self, pairs: list[tuple[str, str]]) -> t.Any:
        """What http.client keeps as the headers; nobody here asks for it."""
        del pairs
        return http.client.HTTPMessage()

    def _final_status(self) -> tuple[int, int]:
        for _answer in range(_INTERIM):
            line = self._line()
            if not line:
                raise http.client.RemoteDisconnected("no answer")
            found = _STATUS.match(line)
            if found is None:
                if not line.endswith(b"\n") and len(line) <= _LINE and line.startswith(b"HTTP/"):
                    raise http.client.IncompleteRead(line)
                raise http.client.BadStatusLine("not HTTP")
            status = int(found[2])
            if status == 101:
                raise http.client.BadStatusLine("another protocol")
            if status >= 200:
                return int(found[1]), status
            self._pairs()
        raise http.client.HTTPException("no answer that counts")

    def _line(self) -> bytes:
        return self.fp.readline(_LINE + 1)

    def _pairs(self) -> list[tuple[str, str]]:
        """The headers up to the empty line, in order."""
        pairs: list[tuple[str, str]] = []
        for _number in range(_LINES):
            line = self._line()
            if len(line) > _LINE:
                raise http.client.LineTooLong("header line")
            if not line.endswith(b"\n"):
                raise http.client.IncompleteRead(line)
            if line in (b"\r\n", b"\n"):
                return pairs
            if line[:1] in b" \t" and pairs:  # a folded line, which RFC 9112 calls obsolete, goes on
                pairs.append(_folded(*pairs.pop(), line))
                continue
            name, colon, rest = line.partition(b":")
            if not colon or not _NAME.fullmatch(name):
                raise http.client.HTTPException("a line of the head is no header")
            pairs.append((name.decode("ascii"), rest.strip().decode("latin-1")))
        raise http.client.HTTPException("too many headers")

    @staticmethod
    def _is_chunked(fields: Headers) -> bool:
        coding = fields.get("Transfer-Encoding", "").lower()
        if coding not in ("", "chunked"):
            raise http.client.HTTPException("an unknown transfer coding")
        if coding and fields.getlist("Content-Length"):
            raise http.client.HTTPException("two ways to say where the body ends")
        return bool(coding)

    @staticmethod
    def _announced(fields: Headers) -> int | None:
        found = set(fields.getlist("Content-Length"))
        if not found:
            return None
        value = found.pop()
        if found or not _NUMBER.match(value):
            raise http.client.HTTPException("not a length")
        return int(value)


def _folded(name: str, value: str, line: bytes) -> tuple[str, str]:
    return name, f"{value} {line.strip().decode('latin-1')}"
