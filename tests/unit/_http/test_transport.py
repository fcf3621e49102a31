# SPDX-License-Identifier: GPL-3.0-or-later
"""Retries, deadlines and refusals: what a registry may do to us (facts/faults.md R1, R2, R6, R15)."""

from __future__ import annotations

import email.utils
import threading
import time
import typing as t

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import BadAnswer, Refused, Unreachable

MANIFEST = "/v2/a/manifests/v1"


def ask(registry: Registry) -> None:
    assert registry.resolve("a", "v1") is None


# Retries


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(wire: Wire, connect: Connect, status: int) -> None:
    wire.expect("HEAD", MANIFEST, status=status)
    wire.expect("HEAD", MANIFEST, status=status)
    wire.expect("HEAD", MANIFEST, status=404)
    ask(connect(wire, retries=2))


def test_a_lasting_failure_is_named_with_the_time_spent(wire: Wire, connect: Connect) -> None:
    for _turn in range(3):
        wire.expect("HEAD", MANIFEST, status=503)
    with pytest.raises(Unreachable) as caught:
        ask(connect(wire, retries=2))
    assert caught.value.message.startswith(f"registry {wire.host}: 503 Service Unavailable (3 attempts in 0.")
    assert caught.value.details["registry"] == wire.host
    assert caught.value.details["attempts"] == 3


def test_501_is_not_tried_again(wire: Wire, connect: Connect) -> None:
    wire.expect("PUT", MANIFEST, status=501)
    with pytest.raises(BadAnswer, match="unexpected status 501"):
        connect(wire).put_manifest("a", "v1", b"{}", "application/json")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_broken_connection_is_tried_again(wire: Wire, connect: Connect, method: str) -> None:
    wire.expect(method, MANIFEST, reset=True)
    wire.expect(method, MANIFEST, raw=b"")
    wire.expect(method, MANIFEST, status=201 if method == "PUT" else 404, sent_body=b"{}" if method == "PUT" else b"")
    registry = connect(wire)
    calls: dict[str, t.Callable[[], object]] = {
        "GET": lambda: registry.get_manifest("a", "v1"),
        "PUT": lambda: registry.put_manifest("a", "v1", b"{}", "application/json"),
        "DELETE": lambda: registry.delete_manifest("a", "v1"),
    }
    assert calls[method]() in (None, False)


HEAD = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX-Rest: of it\r\n\r\n"


@pytest.mark.fault("R4a")
@pytest.mark.parametrize("end", range(1, len(HEAD)))
def test_an_answer_that_ends_in_its_head_is_none(wire: Wire, connect: Connect, end: int) -> None:
    """Python takes the end of the connection for the end of the head: "404" would be enough to say "there is none"."""
    wire.expect("GET", MANIFEST, raw=HEAD[:end])
    with pytest.raises(Unreachable, match=r"broke off|not HTTP"):
        connect(wire, retries=0).get_manifest("a", "v1")


@pytest.mark.fault("P14")
@pytest.mark.parametrize("line", [b"no colon here", b" continued: from nothing", b": no name"])
def test_a_head_that_cannot_be_read_is_none(wire: Wire, connect: Connect, line: bytes) -> None:
    """Python drops what follows such a line, so that nobody knows what kind of answer it is; Go refuses it."""
    wire.expect("GET", MANIFEST, raw=b"HTTP/1.1 404 Not Found\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(Unreachable, match="the answer is not HTTP"):
        connect(wire, retries=0).get_manifest("a", "v1")


@pytest.mark.fault("R4a")
@pytest.mark.usefixtures("names")
def test_an_answer_that_ends_in_its_head_is_asked_for_again(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as wire:
        wire.expect("GET", MANIFEST, raw=HEAD[:24])
        wire.expect("GET", MANIFEST, raw=HEAD)
        registry = connect(wire, ca_path=authority.ca_path)
        assert registry.get_manifest("a", "v1") is None


def test_no_retries_when_told_so(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, reset=True)
    with pytest.raises(Unreachable, match="1 attempt in"):
        ask(connect(wire, retries=0))


def test_the_pause_grows(wire: Wire, connect: Connect) -> None:
    for _turn in range(4):
        wire.expect("HEAD", MANIFEST, status=500)
    start = time.monotonic()
    with pytest.raises(Unreachable):
        ask(connect(wire, retries=3, backoff=0.1))
    assert 0.6 <= time.monotonic() - start < 3  # none before the second, then 0.2 and 0.4 with up to 0.05 of jitter


def retry_after(wire: Wire, value: str, status: int = 429) -> None:
    wire.expect("HEAD", MANIFEST, status=status, headers={"Retry-After": value})


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(wire: Wire, connect: Connect, status: int) -> None:
    retry_after(wire, "1", status)
    wire.expect("HEAD", MANIFEST, status=404)
    start = time.monotonic()
    ask(connect(wire))
    assert 1 <= time.monotonic() - start < 4


@pytest.mark.fault("R1b")
def test_retry_after_as_a_date(wire: Wire, connect: Connect) -> None:
    retry_after(wire, email.utils.formatdate(time.time() + 2, usegmt=True))
    wire.expect("HEAD", MANIFEST, status=404)
    start = time.monotonic()
    ask(connect(wire))
    assert 0.5 <= time.monotonic() - start < 4


@pytest.mark.parametrize(
    "value",
    ["soon", "", "-5", "1e9", "Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 99 Xxx 9999 99:99:99 GMT", "0"],
)
def test_a_retry_after_that_says_nothing(wire: Wire, connect: Connect, value: str) -> None:
    retry_after(wire, value)
    wire.expect("HEAD", MANIFEST, status=404)
    start = time.monotonic()
    ask(connect(wire))
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("value", ["3600", "9" * 5000, "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_retry_after_beyond_the_deadline_fails_at_once(wire: Wire, connect: Connect, value: str) -> None:
    retry_after(wire, value)
    start = time.monotonic()
    with pytest.raises(Unreachable, match=r"429 Too Many Requests; it asks to wait \d+ s"):
        ask(connect(wire))
    assert time.monotonic() - start < 1


def test_the_deadline_ends_the_retries(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=500, always=True)
    start = time.monotonic()
    with pytest.raises(Unreachable, match="500"):
        ask(connect(wire, retries=20, backoff=0.2, deadline=0.4))
    assert time.monotonic() - start < 2


# Deadlines, R6


def test_a_registry_that_says_nothing(wire: Wire, connect: Connect) -> None:
    gate = threading.Event()
    wire.expect("HEAD", MANIFEST, gate=gate)
    with pytest.raises(Unreachable, match=r"no answer for 0\.3 s \(1 attempt"):
        ask(connect(wire, timeout=0.3, retries=0))
    gate.set()


def dripping(wire: Wire, piece: bytes, count: int) -> t.Callable[[], t.Iterator[bytes]]:
    def body() -> t.Iterator[bytes]:
        for _turn in range(count):
            wire.wait(0.05)
            yield piece

    return body


@pytest.mark.fault("R6b")
def test_a_body_that_drips_ends_with_the_deadline(wire: Wire, connect: Connect) -> None:
    """No silence is longer than the timeout, yet the answer would take hours."""
    wire.expect("GET", MANIFEST, headers={"Content-Length": "100000"}, body=dripping(wire, b"{", 100_000))
    start = time.monotonic()
    with pytest.raises(Unreachable, match=r"the deadline of 0\.4 s has passed"):
        connect(wire, deadline=0.4).get_manifest("a", "v1")
    assert time.monotonic() - start < 3


def test_chunk_sizes_that_drip_end_with_the_deadline(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", MANIFEST, headers={"Transfer-Encoding": "chunked"}, body=dripping(wire, b"0", 100_000))
    start = time.monotonic()
    with pytest.raises(Unreachable):
        connect(wire, deadline=0.4).get_manifest("a", "v1")
    assert time.monotonic() - start < 3


@pytest.mark.fault("R6b")
def test_headers_that_drip_end_with_the_deadline(connect: Connect, authority: Authority) -> None:
    for tls in (None, authority.server("127.0.0.1")):
        with Wire(tls) as wire:
            wire.expect("GET", MANIFEST, raw=b"HTTP/1.1 200 OK\r\nX: " + b"a" * 60_000, drip=0.05)
            start = time.monotonic()
            # Long enough for a handshake on a busy machine; the head would take 3000 seconds.
            registry = connect(wire, deadline=2, retries=0, insecure=tls is None, ca_path=authority.ca_path)
            with pytest.raises(Unreachable, match="deadline"):
                registry.get_manifest("a", "v1")
            assert time.monotonic() - start < 10


# Error bodies (R15)


@pytest.mark.fault("R15")
def test_a_refusal_says_why(wire: Wire, connect: Connect) -> None:
    body = b'{"errors": [{"code": "MANIFEST_INVALID", "message": "no\\u0007 such\\nlayer"}, {"code": "X"}]}'
    wire.expect("PUT", MANIFEST, status=400, body=body)
    with pytest.raises(Refused) as caught:
        connect(wire).put_manifest("a", "v1", b"{}", "application/json")
    assert caught.value.message == (
        f"registry {wire.host}: PUT {MANIFEST}: refused with status 400: MANIFEST_INVALID: no such layer"
    )
    assert caught.value.details["registry_code"] == "MANIFEST_INVALID"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><script>alert(1)</script>", ""),
        (b"plain text", ": plain text"),
        (b"\x1b[31mred\x1b[0m\x00", ": [31mred [0m"),
        (b'{"errors": []}', ': {"errors": []}'),
        (b'{"errors": [5]}', ': {"errors": [5]}'),
        (b'{"errors": {"0": 1}}', ': {"errors": {"0": 1}}'),
        (b'{"errors": [{"code": {"a": 1}}]}', ": {'a': 1}"),
        (b"\xff\xfe", ": \ufffd\ufffd"),
        (b"a" * 1_000_000, ": " + "a" * 300 + "…"),
        (b"the password correct horse is wrong", ": the password *** is wrong"),
    ],
)
def test_a_refusal_of_any_kind_is_made_fit_to_print(wire: Wire, connect: Connect, body: bytes, said: str) -> None:
    wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
    wire.expect("PUT", MANIFEST, status=400, body=body)
    with pytest.raises(Refused) as caught:
        connect(wire, LOGIN).put_manifest("a", "v1", b"{}", "application/json")
    assert caught.value.message.endswith(f"refused with status 400{said}")


def test_an_endless_error_body_is_not_read_to_its_end(wire: Wire, connect: Connect) -> None:
    def endless() -> t.Iterator[bytes]:
        while True:
            yield b"a" * 65536

    wire.expect("PUT", MANIFEST, status=400, headers={"Connection": "close"}, body=endless)
    with pytest.raises(Refused):
        connect(wire).put_manifest("a", "v1", b"{}", "application/json")


def test_an_endless_body_of_a_503_is_not_read_at_all(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", MANIFEST, status=503, headers={"Content-Length": "99999999999"}, body=dripping(wire, b"a", 1000))
    wire.expect("GET", MANIFEST, status=404)
    start = time.monotonic()
    assert connect(wire).get_manifest("a", "v1") is None
    assert time.monotonic() - start < 2
