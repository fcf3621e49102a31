# SPDX-License-Identifier: GPL-3.0-or-later
"""Retries, deadlines, TLS, proxies: what a connection may do to us (facts/faults.md R1, R2, R6, R13, R14)."""

from __future__ import annotations

import email.utils
import ssl
import threading
import time
import typing as t
import warnings
from pathlib import Path

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._errors import InvalidOption
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


def test_retry_after_as_a_date(wire: Wire, connect: Connect) -> None:
    retry_after(wire, email.utils.formatdate(time.time() + 2, usegmt=True))
    wire.expect("HEAD", MANIFEST, status=404)
    start = time.monotonic()
    ask(connect(wire))
    assert 0.5 <= time.monotonic() - start < 4


@pytest.mark.parametrize(
    "value",
    ["soon", "", "-5", "1e9", "9" * 5000, "Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 99 Xxx 9999 99:99:99 GMT", "0"],
)
def test_a_retry_after_that_says_nothing(wire: Wire, connect: Connect, value: str) -> None:
    retry_after(wire, value)
    wire.expect("HEAD", MANIFEST, status=404)
    start = time.monotonic()
    ask(connect(wire))
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("value", ["3600", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_retry_after_beyond_the_deadline_fails_at_once(wire: Wire, connect: Connect, value: str) -> None:
    retry_after(wire, value)
    start = time.monotonic()
    with pytest.raises(Unreachable, match=r"429 Too Many Requests; the registry asks to wait \d+ s"):
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


def test_headers_that_drip_end_with_the_deadline(connect: Connect, authority: Authority) -> None:
    for tls in (None, authority.server("127.0.0.1")):
        with Wire(tls) as wire:
            wire.expect("GET", MANIFEST, raw=b"HTTP/1.1 200 OK\r\nX: " + b"a" * 60_000, drip=0.05)
            start = time.monotonic()
            registry = connect(wire, deadline=0.4, retries=0, insecure=tls is None, ca_path=authority.ca_path)
            with pytest.raises(Unreachable, match="deadline"):
                registry.get_manifest("a", "v1")
            assert time.monotonic() - start < 3


# TLS, R13 and R14


@pytest.mark.usefixtures("names")
def test_tls_with_a_ca_of_ones_own(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as wire:
        wire.expect("HEAD", MANIFEST, status=404)
        ask(connect(wire, ca_path=authority.ca_path))


def failure(registry: Registry) -> str:
    with pytest.raises(Unreachable) as caught:
        ask(registry)
    return caught.value.message


@pytest.mark.usefixtures("names")
def test_tls_that_is_not_to_be_trusted(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("other.test"), "r.test") as wire:
        unknown = failure(connect(wire))
        assert "TLS: the certificate is not trusted: " in unknown
        assert "1 attempt" in unknown  # trying again would not help
        wrong_name = failure(connect(wire, ca_path=authority.ca_path))
        assert "Hostname mismatch" in wrong_name
        assert wire.host in wrong_name
    assert wire.seen == []


@pytest.mark.usefixtures("names")
def test_a_secure_name_is_never_asked_in_plain_text(connect: Connect) -> None:
    with Wire(name="r.test") as wire:
        message = failure(connect(wire, LOGIN))
        assert "no TLS there? plain HTTP is the option insecure" in message
    assert wire.seen == []


@pytest.mark.usefixtures("names")
def test_insecure_is_plain_http(connect: Connect) -> None:
    with Wire(name="r.test") as wire:
        wire.expect("HEAD", MANIFEST, status=404)
        ask(connect(wire, insecure=True))


def test_loopback_can_be_told_to_be_secure(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("127.0.0.1")) as wire:
        wire.expect("HEAD", MANIFEST, status=404)
        ask(connect(wire, insecure=False, ca_path=authority.ca_path))


@pytest.mark.usefixtures("names")
def test_plain_http_to_a_tls_port_is_no_answer(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as wire:
        assert f"registry {wire.host}: " in failure(connect(wire, insecure=True))


@pytest.mark.usefixtures("names")
def test_a_client_certificate(connect: Connect, authority: Authority) -> None:
    certificate, key = authority.issue("client.test")
    with Wire(authority.server("r.test", client_ca=True), "r.test") as wire:
        wire.expect("HEAD", MANIFEST, status=404)
        ask(connect(wire, ca_path=authority.ca_path, client_cert=certificate, client_key=key))
        assert wire.host in failure(connect(wire, ca_path=authority.ca_path))


@pytest.mark.usefixtures("names")
def test_old_tls_is_not_spoken(connect: Connect, authority: Authority) -> None:
    context = authority.server("r.test")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Wire(context, "r.test") as wire:
        assert "TLS: " in failure(connect(wire, ca_path=authority.ca_path))


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("ca_path", {"ca_path": "{empty}"}),
        ("ca_path", {"ca_path": "/nonexistent"}),
        ("client_cert", {"client_cert": "{empty}"}),
        ("client_cert", {"client_cert": "{ca}"}),  # no key in it
    ],
)
def test_a_file_that_is_no_certificate(
    connect: Connect, authority: Authority, tmp_path: Path, option: str, values: dict[str, str]
) -> None:
    (tmp_path / "empty").touch()
    files: dict[str, t.Any] = {
        name: value.format(empty=tmp_path / "empty", ca=authority.ca_path) for name, value in values.items()
    }
    with pytest.raises(InvalidOption, match=f"^{option}: "):
        ask(connect("r.example", **files))


# Names and ports


def test_a_name_that_does_not_resolve_is_asked_once(connect: Connect) -> None:
    message = failure(connect("no-such-host.invalid"))
    assert message.startswith("registry no-such-host.invalid: the name does not resolve (1 attempt")


def test_a_port_that_nobody_listens_on(connect: Connect) -> None:
    with Wire() as wire:
        host = wire.host
    assert failure(connect(host)).startswith(f"registry {host}: connection refused (3 attempts in ")


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"\0" * 100, b"HTTP/1.1 200 " + b"a" * 70_000]
)
def test_what_is_not_http(wire: Wire, connect: Connect, raw: bytes) -> None:
    wire.expect("HEAD", MANIFEST, raw=raw)
    with pytest.raises(Unreachable, match="not HTTP"):
        ask(connect(wire, retries=0))


def test_connections_are_kept(wire: Wire, connect: Connect) -> None:
    registry = connect(wire)
    for method, status in (("HEAD", 404), ("GET", 404), ("PUT", 201), ("DELETE", 202), ("GET", 404)) * 2:
        body = b"" if method == "HEAD" else b'{"errors": []}'
        wire.expect(method, MANIFEST, status=status, body=body)
    for _turn in range(2):
        ask(registry)
        assert registry.get_manifest("a", "v1") is None
        registry.put_manifest("a", "v1", b"{}", "application/json")
        registry.delete_manifest("a", "v1")
        assert registry.get_manifest("a", "v1") is None
    assert len({seen.client for seen in wire.seen}) == 1


def test_what_every_request_says(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=404, sent={"User-Agent": "proven.gitops", "Accept-Encoding": "identity"})
    ask(connect(wire))


def test_netrc_gives_nothing_away(
    wire: Wire, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login evil password canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    wire.expect("HEAD", MANIFEST, status=404, sent={"Authorization": None})
    ask(connect(wire))


# Proxies


def test_a_proxy_for_plain_http(connect: Connect, monkeypatch: pytest.MonkeyPatch, secrets: set[str]) -> None:
    with Wire() as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:s3cr%20t@{proxy.host}")
        proxy.expect(
            "HEAD",
            f"http://r.example{MANIFEST}",
            status=404,
            sent={"Proxy-Authorization": "Basic dXNlcjpzM2NyIHQ=", "Host": "r.example"},
        )
        ask(connect("r.example", insecure=True))
    assert {"s3cr t", "dXNlcjpzM2NyIHQ="} <= secrets


def test_a_proxy_for_tls(connect: Connect, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    with Wire() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"user:pw@{proxy.host}")
        login = "Basic dXNlcjpwdw=="
        proxy.expect(
            "CONNECT", "r.example:443", sent={"Proxy-Authorization": login}, tunnel=authority.server("r.example")
        )
        proxy.expect("HEAD", MANIFEST, status=404, sent={"Proxy-Authorization": None})
        ask(connect("r.example", ca_path=authority.ca_path))


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses(connect: Connect, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with Wire() as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:canary@{proxy.host}")
        proxy.expect("CONNECT", "r.example:443", status=status)
        message = failure(connect("r.example"))
    assert "registry r.example: proxy: " in message
    assert "1 attempt" in message
    assert "canary" not in message


def test_a_proxy_that_is_down(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire() as proxy:
        pass
    monkeypatch.setenv("https_proxy", proxy.url)
    assert "registry r.example: proxy: connection refused (3 attempts" in failure(connect("r.example"))


@pytest.mark.parametrize("exception", ["r.test", ".test", "*", "r.test:{port}", "127.0.0.0/8, r.test"])
@pytest.mark.usefixtures("names")
def test_no_proxy(connect: Connect, monkeypatch: pytest.MonkeyPatch, exception: str) -> None:
    with Wire() as proxy, Wire(name="r.test") as wire:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", exception.format(port=wire.host.partition(":")[2]))
        wire.expect("HEAD", MANIFEST, status=404)
        ask(connect(wire, insecure=True))


def test_no_proxy_for_a_network(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "x/y, 192.0.2.0/24")
        proxy.expect("HEAD", f"http://198.51.100.1{MANIFEST}", status=404)
        ask(connect("198.51.100.1", insecure=True))
        failure(connect("192.0.2.1", insecure=True, timeout=0.2, retries=0))


def test_never_a_proxy_for_this_machine(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    wire.expect("HEAD", MANIFEST, status=404)
    ask(connect(wire))


def test_a_proxy_of_another_kind(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://user:canary@proxy.example")
    with pytest.raises(InvalidOption, match=r"^https_proxy: only http and https ") as caught:
        ask(connect("r.example"))
    assert "canary" not in caught.value.message


# Error bodies (R15)


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
