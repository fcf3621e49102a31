# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS, names and proxies: whom we talk to, and how (facts/faults.md R13, R14)."""

from __future__ import annotations

import socket
import ssl
import typing as t
import warnings
from pathlib import Path

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import Unreachable
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

MANIFEST = "/v2/a/manifests/v1"


def ask(registry: Registry) -> None:
    assert registry.resolve("a", "v1") is None


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


@pytest.mark.fault("R13")
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


@pytest.mark.fault("R14")
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


@pytest.mark.fault("R14")
@pytest.mark.usefixtures("names")
def test_plain_http_to_a_tls_port_is_no_answer(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("r.test"), "r.test") as wire:
        assert f"registry {wire.host}: " in failure(connect(wire, insecure=True))


@pytest.mark.fault("R13")
@pytest.mark.usefixtures("names")
def test_a_client_certificate(connect: Connect, authority: Authority) -> None:
    certificate, key = authority.issue("client.test")
    with Wire(authority.server("r.test", client_ca=True), "r.test") as wire:
        wire.expect("HEAD", MANIFEST, status=404)
        ask(connect(wire, ca_path=authority.ca_path, client_cert=certificate, client_key=key))
        assert wire.host in failure(connect(wire, ca_path=authority.ca_path))


@pytest.mark.fault("R14")
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


@pytest.mark.parametrize(("code", "tries"), [(socket.EAI_NONAME, "1 attempt"), (socket.EAI_AGAIN, "3 attempts")])
def test_a_name_that_does_not_resolve(connect: Connect, monkeypatch: pytest.MonkeyPatch, code: int, tries: str) -> None:
    """Which of the two a resolver says depends on the machine's network; "later" is worth another try."""

    def unknown(*_arguments: object, **_named: object) -> t.NoReturn:
        raise socket.gaierror(code, "as the system says it")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = failure(connect("no-such-host.invalid"))
    assert message.startswith(f"registry no-such-host.invalid: the name does not resolve ({tries} in")


def test_a_name_that_cannot_be(connect: Connect) -> None:
    """Python's codec for names raises an error that is not the system's."""
    host = f"{'a' * 64}.invalid"
    assert failure(connect(host)).startswith(f"registry {host}: the name does not resolve (1 attempt in")


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


@pytest.mark.fault("R11b")
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


@pytest.mark.fault("R13")
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
