# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of an answer, byte by byte: what is refused, and where the body ends (RFC 9112, sections 4 to 6)."""

from __future__ import annotations

import http.client
import io
import typing as t

import pytest
from support.wire import Wire
from support.wire_client import Connect

from ansible_collections.proven.gitops.plugins.module_utils._http.head import StrictAnswer

MANIFEST = "/v2/a/manifests/v1"
OK = b"HTTP/1.1 200 OK\r\n"


class Sock:
    """What http.client wants of a socket: the bytes that come from it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> t.BinaryIO:
        assert mode == "rb"
        return io.BytesIO(self._data)


def answer(data: bytes, method: str = "GET") -> StrictAnswer:
    found = StrictAnswer(t.cast("t.Any", Sock(data)), method=method)
    found.begin()
    return found


def body(data: bytes) -> bytes:
    found, pieces = answer(data), b""
    while piece := found.read1(100):
        pieces += piece
    return pieces


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"Content-Length: 3\r\n", b"abc"),
        (b"content-length:3\r\ncontent-length: 3\r\n", b"abc"),
        (b"Connection: close\r\n", b"abcdef"),
        (b"", b"abcdef"),
    ],
)
def test_where_a_body_ends(head: bytes, wanted: bytes) -> None:
    assert body(OK + head + b"\r\nabcdef") == wanted


def test_chunks() -> None:
    data = OK + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\nmore"
    assert body(data) == b"abcde"


@pytest.mark.parametrize("data", [b"3\r\nab", b"3\r\nabc\r\n", b"x\r\nabc\r\n", b"-1\r\nabc\r\n"])
def test_chunks_that_break_off(data: bytes) -> None:
    with pytest.raises(http.client.IncompleteRead):
        body(OK + b"Transfer-Encoding: chunked\r\n\r\n" + data)


@pytest.mark.fault("P14")
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: 3, 3\r\n",
        b"Content-Length: -3\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: 0x3\r\n",
        b"Content-Length: \xb2\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length : 3\r\n",
        b"Content Length: 3\r\n",
        b"Content\x00Length: 3\r\n",
        b"X\r\n",
        b": 3\r\n",
        b" folded\r\n",
        b"X: 1\r\n" * 200,
        b"X: " + b"a" * 70_000 + b"\r\n",
    ],
)
def test_heads_that_two_readers_could_read_in_two_ways(head: bytes) -> None:
    """Each is what smuggles an answer past one of two readers; none of them is taken for an answer."""
    with pytest.raises(http.client.HTTPException):
        answer(OK + head + b"\r\nabcdef")


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 200",
        b"HTTP/2 200 OK\r\n",
        b"HTTP/1.1 99 Low\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"http/1.1 200 OK\r\n",
        b"HTTP/1.1 200\rOK\r\n",
        b"ICY 200 OK\r\n",
        b"",
    ],
)
def test_a_first_line_that_is_none(line: bytes) -> None:
    with pytest.raises((http.client.HTTPException, http.client.RemoteDisconnected)):
        answer(line + b"\r\n" * bool(line.endswith(b"\n")))


def test_interim_answers_are_passed_over_but_not_forever() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    found = answer(interim * 3 + OK + b"X: y\r\nContent-Length: 0\r\n\r\n")
    assert (found.status, found.fields.get("x"), found.fields.get("Link")) == (200, "y", None)
    with pytest.raises(http.client.HTTPException):
        answer(interim * 50 + OK + b"\r\n")


def test_headers_in_any_case_folded_and_repeated() -> None:
    found = answer(OK + b"A: 1\r\nB:  two \r\n\t more\r\na: 3\r\nC: \xe9\r\nContent-Length: 0\r\n\r\n").fields
    assert found.get("A") == "1, 3"
    assert found.getlist("a") == ["1", "3"]
    assert (found.get("b"), found.get("c"), found.get("d"), found.get("d", "x")) == ("two more", "\xe9", None, "x")
    assert found.getlist("d") == []


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (OK + b"Content-Length: 3\r\n\r\n", "HEAD"),
        (OK + b"Content-Length: not known\r\n\r\n", "HEAD"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "GET"),
    ],
)
def test_answers_without_a_body(data: bytes, method: str) -> None:
    found = answer(data, method)
    assert (found.length, found.chunked, found.will_close) == (0, False, False)
    assert found.read1(10) == b""


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Upgrade, Close\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", False),
    ],
)
def test_whether_the_connection_is_kept(head: bytes, closes: bool) -> None:
    assert answer(head + b"Content-Length: 0\r\n\r\n").will_close is closes


# On a connection


def test_a_connection_is_kept_after_chunks_and_not_before_their_end(wire: Wire, connect: Connect) -> None:
    chunked = OK + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n"
    wire.expect("GET", MANIFEST, raw=chunked + b"0\r\n\r\n", keep=True)
    wire.expect("GET", MANIFEST, raw=chunked)
    wire.expect("GET", MANIFEST, status=404)
    registry = connect(wire)
    assert registry.get_manifest("a", "v1") is not None
    assert registry.get_manifest("a", "v1") is None
    first, second, third = (seen.client for seen in wire.seen)
    assert first == second
    assert third != second


def test_a_second_answer_that_nobody_asked_for_is_not_taken(wire: Wire, connect: Connect) -> None:
    """Bytes behind an answer would be the answer to the next request, of whatever repository and credentials."""
    smuggled = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    wire.expect(
        "GET", MANIFEST, raw=OK + b"Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}" + smuggled, keep=True
    )
    wire.expect("GET", MANIFEST, headers={"Content-Type": "application/json"}, body=b"{}")
    registry = connect(wire)
    assert registry.get_manifest("a", "v1") is not None
    assert registry.get_manifest("a", "v1") is not None
