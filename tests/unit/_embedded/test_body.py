# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of requests: where they end, and what is refused about their framing."""

from __future__ import annotations

import io
from email.message import Message

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._embedded.body import (
    Body,
    BodyTruncated,
    ChunkedBody,
    body_of,
)
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import ApiError


def _headers(*fields: tuple[str, str]) -> Message:
    message = Message()
    for name, value in fields:
        message[name] = value
    return message


def test_a_body_ends_where_its_length_says() -> None:
    stream = io.BytesIO(b"bodynext request")
    body = body_of(_headers(("Content-Length", "4")), stream)
    assert (body.length, body.finished) == (4, False)
    assert body.read_all(100) == b"body"
    assert body.finished
    assert stream.read() == b"next request"


def test_no_length_is_no_body() -> None:
    body = body_of(_headers(), io.BytesIO(b"next"))
    assert body.finished
    assert body.read_all(1) == b""


@pytest.mark.parametrize(
    "wire",
    [
        b"4\r\nbody\r\n0\r\n\r\n",
        b"1\r\nb\r\n3;name=value\r\nody\r\n0\r\nTrailer: x\r\n\r\n",
        b"2 \r\nbo\r\n00002\r\ndy\r\n0\r\n\r\n",
        b"4\nbody\n0\n\n",
    ],
)
def test_chunks_are_joined(wire: bytes) -> None:
    stream = io.BytesIO(wire + b"next")
    body = body_of(_headers(("Transfer-Encoding", "chunked")), stream)
    assert (body.length, body.finished) == (None, False)
    assert body.read_all(100) == b"body"
    assert body.finished
    assert body.readinto(memoryview(bytearray(1))) == 0
    assert stream.read() == b"next"


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"x\r\nbody\r\n0\r\n\r\n", "not hexadecimal"),
        (b"-4\r\nbody\r\n0\r\n\r\n", "not hexadecimal"),
        (b"0x4\r\nbody\r\n0\r\n\r\n", "not hexadecimal"),
        (b"4\r\nbody too long\r\n0\r\n\r\n", "longer than it says"),
        (b"4" + b" " * 5000 + b"\r\nbody\r\n0\r\n\r\n", "header is too long"),
        (b"0\r\n" + b"A: b\r\n" * 70 + b"\r\n", "too many trailer fields"),
        (b"f" * 17 + b"\r\n", "not hexadecimal"),
    ],
)
def test_malformed_chunks(wire: bytes, reason: str) -> None:
    body = ChunkedBody(io.BytesIO(wire))
    with pytest.raises(ApiError, match=reason) as caught:
        body.read_all(10_000)
    assert caught.value.status == 400
    assert body.broken
    assert not body.finished


@pytest.mark.parametrize("wire", [b"", b"4\r\nbo", b"4\r\nbody\r\n", b"4\r\nbody\r\n0\r\n"])
def test_truncated_chunks(wire: bytes) -> None:
    with pytest.raises(BodyTruncated):
        ChunkedBody(io.BytesIO(wire)).read_all(100)


def test_a_truncated_body() -> None:
    body = Body(io.BytesIO(b"bo"), 4)
    with pytest.raises(BodyTruncated):
        body.read_all(100)
    assert body.broken


def test_a_body_over_the_limit() -> None:
    announced, unannounced = Body(io.BytesIO(b"body"), 4), ChunkedBody(io.BytesIO(b"4\r\nbody\r\n0\r\n\r\n"))
    for body in (announced, unannounced):
        with pytest.raises(ApiError) as caught:
            body.read_all(3)
        assert (caught.value.code, caught.value.status) == ("SIZE_INVALID", 413)
    assert not announced.finished


def test_draining_stops_at_its_limit_and_at_the_end() -> None:
    stream = io.BytesIO(b"x" * 100 + b"next")
    body = Body(stream, 100)
    body.drain(30)
    assert (stream.tell(), body.finished) == (30, False)
    body.drain(1000)
    assert body.finished
    assert stream.read() == b"next"


@pytest.mark.parametrize(
    "fields",
    [
        [("Content-Length", "4"), ("Content-Length", "5")],
        [("Content-Length", "4, 4")],
        [("Content-Length", "-1")],
        [("Content-Length", "+4")],
        [("Content-Length", "0x4")],
        [("Content-Length", "")],
        [("Content-Length", "9" * 19)],
        [("Transfer-Encoding", "chunked"), ("Content-Length", "4")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_ambiguous_framing_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(ApiError) as caught:
        body_of(_headers(*fields), io.BytesIO())
    assert caught.value.status == 400
