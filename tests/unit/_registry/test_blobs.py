# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs on the way down: proven before they are used (facts/faults.md R4, R5)."""

from __future__ import annotations

import typing as t

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import (
    BadAnswer,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import InvalidDigest

DATA = bytes(range(256)) * 1000
BLOB = Descriptor.of("application/octet-stream", DATA)
PATH = f"/v2/a/blobs/{BLOB.digest}"


# Down


def test_gets_a_blob(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", PATH, body=DATA)
    assert connect(wire).get_blob("a", BLOB, len(DATA)) == DATA


def test_an_empty_blob(wire: Wire, connect: Connect) -> None:
    empty = Descriptor.of("x", b"")
    wire.expect("GET", f"/v2/a/blobs/{empty.digest}")
    assert connect(wire).get_blob("a", empty, 0) == b""


def test_over_the_limit_is_not_asked_for(connect: Connect) -> None:
    with pytest.raises(BadAnswer, match="256000 bytes long, more than 255999"):
        connect("127.0.0.1:1").get_blob("a", BLOB, len(DATA) - 1)


def test_a_digest_that_is_none_is_not_asked_for(connect: Connect) -> None:
    registry = connect("127.0.0.1:1")
    for digest in ("sha256:../../x", "sha256:" + "A" * 64, "x"):
        with pytest.raises(InvalidDigest):
            registry.has_blob("a", digest)
        with pytest.raises(InvalidDigest):
            registry.get_blob("a", Descriptor("x", digest, 1), 1)


@pytest.mark.parametrize(
    "body", [DATA[:-1], DATA[:-1] + b"x", b"", DATA + b"x"], ids=["short", "other", "empty", "long"]
)
def test_other_content_is_refused(wire: Wire, connect: Connect, body: bytes) -> None:
    wire.expect("GET", PATH, body=body)
    with pytest.raises(BadAnswer):
        connect(wire).get_blob("a", BLOB, len(DATA))


def test_never_more_than_its_size_is_given_out(wire: Wire, connect: Connect) -> None:
    def endless() -> t.Iterator[bytes]:
        while True:
            yield DATA

    wire.expect("GET", PATH, headers={"Connection": "close"}, body=endless)
    pieces: list[bytes] = []
    with pytest.raises(BadAnswer, match="longer than 256000") as caught:
        pieces.extend(connect(wire).stream_blob("a", BLOB, len(DATA)))
    assert caught.value.details["expected"] == BLOB.digest
    assert sum(map(len, pieces)) <= len(DATA)


def test_a_break_is_resumed(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", PATH, body=DATA, cut=100_000, sent={"Range": None})
    rest = {"Content-Range": f"bytes 100000-{len(DATA) - 1}/{len(DATA)}"}
    wire.expect("GET", PATH, status=206, headers=rest, body=DATA[100_000:], sent={"Range": "bytes=100000-255999"})
    assert connect(wire).get_blob("a", BLOB, len(DATA)) == DATA


def test_a_break_is_resumed_where_there_are_no_ranges(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", PATH, body=DATA, cut=100_000)
    wire.expect("GET", PATH, body=DATA)
    assert connect(wire).get_blob("a", BLOB, len(DATA)) == DATA


def test_a_resumed_half_of_something_else_is_noticed(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", PATH, body=DATA, cut=100_000)
    wire.expect("GET", PATH, body=bytes(len(DATA)))
    with pytest.raises(BadAnswer, match="with the digest"):
        connect(wire).get_blob("a", BLOB, len(DATA))


@pytest.mark.parametrize("answer", ["bytes 0-255999/256000", "bytes 1-2/3", "junk", None])
def test_another_range_than_the_one_asked_for(wire: Wire, connect: Connect, answer: str | None) -> None:
    wire.expect("GET", PATH, body=DATA, cut=100_000)
    wire.expect("GET", PATH, status=206, headers={"Content-Range": answer} if answer else {}, body=DATA[100_000:])
    with pytest.raises(BadAnswer, match="not the range"):
        connect(wire).get_blob("a", BLOB, len(DATA))


def test_breaks_without_end(wire: Wire, connect: Connect) -> None:
    for _turn in range(3):
        wire.expect("GET", PATH, body=DATA, cut=10)
    with pytest.raises(Unreachable, match="broke off"):
        connect(wire).get_blob("a", BLOB, len(DATA))


def test_a_missing_end_mark_is_no_missing_content(wire: Wire, connect: Connect) -> None:
    chunked = f"{len(DATA):x}\r\n".encode() + DATA + b"\r\n"  # and no last chunk
    wire.expect("GET", PATH, headers={"Transfer-Encoding": "chunked", "Connection": "close"}, body=lambda: [chunked])
    assert connect(wire).get_blob("a", BLOB, len(DATA)) == DATA


def test_no_such_blob(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", PATH, status=404, body=b'{"errors": [{"code": "BLOB_UNKNOWN"}]}')
    with pytest.raises(NotFound, match="BLOB_UNKNOWN"):
        connect(wire).get_blob("a", BLOB, len(DATA))


@pytest.mark.usefixtures("names")
def test_a_blob_from_a_store_elsewhere(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as home, Wire(authority.server("s3.test"), "s3.test") as store:
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
        home.expect("GET", PATH, status=307, headers={"Location": f"{store.url}/bucket?signature=x"})
        store.expect("GET", "/bucket?signature=x", body=DATA, sent={"Authorization": None})
        registry = connect(home, LOGIN, ca_path=authority.ca_path)
        assert registry.get_blob("a", BLOB, len(DATA)) == DATA


def test_a_store_that_lost_it_says_nothing_secret(connect: Connect) -> None:
    with Wire() as home, Wire() as store:
        home.expect("GET", PATH, status=307, headers={"Location": f"{store.url}/bucket?signature=canary"})
        store.expect("GET", "/bucket?signature=canary", status=403, body=b"<Error/>")
        with pytest.raises(BadAnswer, match="where it redirects, answers 403") as caught:
            connect(home).get_blob("a", BLOB, len(DATA))
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(("status", "expected"), [(200, True), (404, False)])
def test_has_a_blob(wire: Wire, connect: Connect, status: int, expected: bool) -> None:
    wire.expect("HEAD", PATH, status=status)
    assert connect(wire).has_blob("a", BLOB.digest) is expected


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Unauthorized), (400, Refused)])
def test_a_refusal_is_not_a_missing_blob(wire: Wire, connect: Connect, status: int, error: type[Exception]) -> None:
    wire.expect("HEAD", PATH, status=status)
    with pytest.raises(error):
        connect(wire).has_blob("a", BLOB.digest)
