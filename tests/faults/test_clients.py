# SPDX-License-Identifier: GPL-3.0-or-later
"""What every HTTP client of ours must stand: the registry's, the git hosts', Kubernetes' (tests/support/clients.py)."""

from __future__ import annotations

import gzip
import json
import socket
import time
import typing as t
from pathlib import Path

import pytest
from support.clients import CLIENTS, Asked, Client, Secrets
from support.wire import Wire
from support.wire_client import Authority, make_authority

from ansible_collections.proven.gitops.plugins.module_utils._http.deadline import limited
from ansible_collections.proven.gitops.plugins.module_utils._kube import waiter
from ansible_collections.proven.gitops.plugins.module_utils._kube.access import ClusterAccess
from ansible_collections.proven.gitops.plugins.module_utils._kube.access import connect as kube_connect
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.readiness import Waiting
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Transport
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

if t.TYPE_CHECKING:
    from conftest import RunModule

each_client = pytest.mark.parametrize("client", CLIENTS, ids=str)
PASSWORD = "canary-pass"


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names that resolve to what a test puts here."""
    known: dict[str, str] = {}
    resolve = socket.getaddrinfo

    def getaddrinfo(host: t.Any, *more: t.Any, **named: t.Any) -> t.Any:
        return resolve(known.get(str(host), host), *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def _spent(start: float) -> float:
    return time.monotonic() - start


@each_client
def test_they_read_and_they_know_what_is_not_there(wire: Wire, client: Client) -> None:
    wire.expect("GET", body=client.found)
    assert client.read(wire.url, Asked()) is not None
    wire.expect("GET", status=404, body=client.absent)
    assert client.read(wire.url, Asked()) is None


# H1


@each_client
@pytest.mark.fault("H1")
def test_a_pause_beyond_the_deadline_ends_at_once(wire: Wire, client: Client) -> None:
    wire.expect("GET", status=429, headers={"Retry-After": "60"})
    start = time.monotonic()
    with pytest.raises(client.unreachable, match="429 Too Many Requests; it asks to wait 60 s"):
        client.read(wire.url, Asked(timeout=1))
    assert _spent(start) < 3


@each_client
@pytest.mark.fault("H1")
def test_it_is_not_asked_again_sooner_than_it_said(wire: Wire, client: Client) -> None:
    wire.expect("GET", status=429, headers={"Retry-After": "2"})
    wire.expect("GET", status=404, body=client.absent)
    start = time.monotonic()
    assert client.read(wire.url, Asked(timeout=3)) is None
    assert 2 <= _spent(start) < 6


# H2


@each_client
@pytest.mark.fault("H2")
@pytest.mark.parametrize("end", [12, 15, 19, 24, 26, 40])
def test_an_answer_that_breaks_off_in_its_head_is_none(wire: Wire, client: Client, end: int) -> None:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\nX: y\r\n\r\n" % len(client.absent)
    for _attempt in range(3):
        wire.expect("GET", raw=head[:end])
    with pytest.raises(client.unreachable, match=r"broke off|not HTTP"):
        client.read(wire.url, Asked())


# H3


@each_client
@pytest.mark.fault("H3")
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["status", "head", "body", "chunks"],
)
def test_a_byte_now_and_then_ends_with_the_deadline(wire: Wire, client: Client, head: bytes) -> None:
    rest = (b"HTTP/1.1 200 " if not head else b"X: " if b"\r\n\r\n" not in head else b"0") + b"0" * 300
    wire.expect("GET", raw=head + rest, drip=0.2, always=True)
    start = time.monotonic()
    with pytest.raises(client.unreachable):
        client.read(wire.url, Asked(timeout=0.5))
    assert 1 < _spent(start) < 4.5  # the deadline is four timeouts


# H4


PROXIED: list[tuple[str, dict[str, str]]] = [
    ("http://far.test:8000", {"http_proxy": "{proxy}"}),
    ("http://far.test:8000", {"HTTP_PROXY": "{proxy}"}),
    ("http://far.test:8000", {"ALL_PROXY": "{proxy}"}),
    ("http://far.test:8000", {"all_proxy": "{proxy}"}),
    ("http://far.test:8000", {"http_proxy": "{bare}"}),
    ("http://far.test:8000", {"http_proxy": "{proxy}", "NO_PROXY": "other.test,far.test:8001"}),
    ("http://far.test:8000", {"http_proxy": "{proxy}", "NO_PROXY": "*.far.test,ar.test"}),
    ("http://10.1.2.3:8000", {"http_proxy": "{proxy}", "NO_PROXY": "10.2.0.0/16 10.1.2.3:1"}),
]
DIRECT: list[tuple[str, dict[str, str]]] = [
    ("far.test", {"http_proxy": "{proxy}", "no_proxy": "far.test"}),
    ("far.test", {"http_proxy": "{proxy}", "no_proxy": "far.test:{port}"}),
    ("far.test", {"ALL_PROXY": "{proxy}", "NO_PROXY": "x, *.test"}),
    ("far.test", {"http_proxy": "{proxy}", "NO_PROXY": ".test"}),
    ("far.test", {"http_proxy": "{proxy}", "NO_PROXY": "*"}),
    ("far.test", {"http_proxy": "", "HTTP_PROXY": "{proxy}"}),
    ("127.0.0.1", {"http_proxy": "{proxy}"}),
    ("x.localhost", {"http_proxy": "{proxy}", "ALL_PROXY": "{proxy}"}),
]


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxy: Wire, port: str = "") -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(proxy=proxy.url, bare=proxy.host, port=port))


@each_client
@pytest.mark.fault("H4")
@pytest.mark.parametrize(("url", "variables"), PROXIED)
def test_through_the_proxy(
    wire: Wire, client: Client, url: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, variables, wire)
    wire.expect("GET", status=404, body=client.absent)
    assert client.read(url, Asked()) is None
    assert wire.seen[0].target.startswith(f"{url}/")


@each_client
@pytest.mark.fault("H4")
@pytest.mark.parametrize(("host", "variables"), DIRECT)
def test_not_through_the_proxy(
    wire: Wire,
    client: Client,
    host: str,
    variables: dict[str, str],
    names: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names[host] = "127.0.0.1"
    port = wire.host.partition(":")[2]
    with Wire() as proxy:
        _set(monkeypatch, variables, proxy, port)
        wire.expect("GET", status=404, body=client.absent)
        assert client.read(f"http://{host}:{port}", Asked()) is None


# H5, H6


@each_client
@pytest.mark.fault("H5")
@pytest.mark.parametrize(
    ("proxy", "reason"),
    [
        (f"http://ci:{PASSWORD}@h:99999", "a port up to 65535"),
        (f"http://ci:{PASSWORD}@h:0", "a port up to 65535"),
        (f"http://ci:{PASSWORD}@h:1/path", "a proxy is http"),
        (f"socks5://ci:{PASSWORD}@h:1080", "only http and https proxies are supported, no socks5 proxy"),
        (f"ci:{PASSWORD}@h h:1", "a proxy is http"),
    ],
)
def test_a_proxy_that_is_none(client: Client, proxy: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    secrets = Secrets()
    with pytest.raises(InvalidOption, match=reason) as caught:
        client.read("https://far.test", Asked(secrets=secrets))
    assert caught.value.message.startswith("HTTPS_PROXY: ")
    assert PASSWORD not in str(caught.value.as_failure())
    assert PASSWORD in secrets


@each_client
@pytest.mark.fault("H5")
@pytest.mark.parametrize("password", [f"{PASSWORD}/x", f"{PASSWORD}#x", f"{PASSWORD}@x:1", f"{PASSWORD}%2Fx"])
def test_a_password_of_any_kind(client: Client, wire: Wire, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://ci:{password}@{wire.host}")
    secrets = Secrets()
    wire.expect("GET", status=404, body=client.absent)
    assert client.read("http://far.test", Asked(secrets=secrets)) is None
    assert wire.seen[0].headers["Proxy-Authorization"].startswith("Basic ")
    assert any(password in secret for secret in secrets)


@each_client
@pytest.mark.fault("H6")
@pytest.mark.parametrize("status", [407, 503])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_gives_its_status(
    client: Client, wire: Wire, status: int, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://ci:{PASSWORD}@{wire.host}")
    wire.expect("GET" if scheme == "http" else "CONNECT", status=status, always=True)
    with pytest.raises(client.unreachable, match=rf"\b{status}\b") as caught:
        client.read(f"{scheme}://far.test", Asked())
    assert PASSWORD not in str(caught.value.as_failure())
    if status == 407:
        assert "proxy: it answers 407" in caught.value.message
        assert len(wire.seen) == 1  # asking again cannot help


# H7, H8


@each_client
@pytest.mark.fault("H7")
def test_a_common_name_alone_is_no_name(client: Client, authority: Authority, names: dict[str, str]) -> None:
    names["far.test"] = "127.0.0.1"
    bare = authority.server("far.test", alternatives=False)
    with Wire(bare, "far.test") as wire, pytest.raises(client.unreachable, match="the certificate is not trusted"):
        client.read(wire.url, Asked(ca=authority.ca_path))
    with Wire(authority.server("far.test"), "far.test") as wire:
        wire.expect("GET", status=404, body=client.absent)
        assert client.read(wire.url, Asked(ca=authority.ca_path)) is None


@each_client
@pytest.mark.fault("H8")
@pytest.mark.parametrize("token", ["canary-t0ken\n", "canary\nt0ken", "canary\r\nX: y", "canary-t\u00e9", "canary\0"])
def test_a_token_that_cannot_be_sent_is_not_shown(client: Client, wire: Wire, token: str) -> None:
    wire.expect("GET", status=404, body=client.absent, always=True)
    said = ""
    try:
        client.read(wire.url, Asked(token=token))
    except GitopsError as error:
        said = f"{error.as_failure()}{error.__cause__}"
    assert "canary" not in said
    assert said or len(wire.seen) == 1
    assert all(seen.headers["X"] is None for seen in wire.seen)


# H13, H14


@each_client
@pytest.mark.fault("H13")
def test_an_answer_that_is_compressed(client: Client, wire: Wire) -> None:
    body = gzip.compress(client.absent)
    wire.expect("GET", status=200, body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(client.bad_answer, match="compressed"):
        client.read(wire.url, Asked())


@each_client
@pytest.mark.fault("H14")
def test_an_answer_that_is_too_long_is_not_begun(client: Client, wire: Wire) -> None:
    def never() -> t.Iterator[bytes]:
        wire.wait(20)
        yield b""

    wire.expect("GET", headers={"Content-Length": str(1 << 62)}, body=never)
    start = time.monotonic()
    with pytest.raises(client.bad_answer, match="more than"):
        client.read(wire.url, Asked())
    assert _spent(start) < 3


# H10: where a user says so; what a registry says is tried in tests/unit/_http/test_reach.py


@each_client
@pytest.mark.fault("H10")
@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.2"])
def test_an_address_that_is_written_in_another_way(client: Client, host: str) -> None:
    with pytest.raises(GitopsError, match=r"url|host|neither a name nor an address"):
        client.read(f"http://{host}:9", Asked(timeout=0.5))


# A task's own time


@each_client
@pytest.mark.fault("H3")
def test_a_task_that_waits_ends_it_sooner(wire: Wire, client: Client) -> None:
    """`wait_timeout` bounds every exchange, also one whose own deadline is later."""
    wire.expect("GET", raw=b"HTTP/1.1 200 OK\r\nX: " + b"0" * 300, drip=0.2, always=True)
    start = time.monotonic()
    with limited(1), pytest.raises(client.unreachable):
        client.read(wire.url, Asked(timeout=5))
    assert 0.9 < _spent(start) < 3


@pytest.mark.fault("H3")
def test_waiting_for_objects_of_a_server_that_drips(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiter, "_LAST_LOOK", 0.5)
    wire.expect("GET", raw=b"HTTP/1.1 200 OK\r\nX: " + b"0" * 300, drip=0.2, always=True)
    access = ClusterAccess(host=wire.url, timeout=30)
    waiting = Waiting(KubeClient(Transport(kube_connect(access, lambda secret: None))), 1)
    start = time.monotonic()
    with pytest.raises(GitopsError):
        waiting.until_gone([ObjectId("v1", "Namespace", "", "web")])
    assert _spent(start) < 5


@pytest.mark.fault("H5")
@pytest.mark.parametrize("proxy", [f"http://ci:{PASSWORD}#x@h:1", f"http://ci:{PASSWORD}@h:99999", f"ci:{PASSWORD}/@h"])
@pytest.mark.parametrize("by_option", [True, False])
def test_a_task_does_not_show_its_proxy(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch, proxy: str, by_option: bool
) -> None:
    if not by_option:
        monkeypatch.setenv("K8S_AUTH_PROXY", proxy)
    option = {"proxy": proxy} if by_option else {}
    for more in ({}, {"request_timeout": 0}, {"ca_cert": "/nowhere"}):
        given: dict[str, t.Any] = {"host": "https://far.test", "name": "app", **more, **option}
        result = run_module("flux_source_info", **given)
        assert result["failed"]
        assert PASSWORD not in json.dumps(result)


@pytest.mark.fault("H8")
@pytest.mark.parametrize("token", ["canary\n", "canary\nt0ken"])
def test_a_task_does_not_show_its_token(run_module: RunModule, token: str) -> None:
    result = run_module("flux_source_info", host="https://127.0.0.1:1", name="app", api_key=token)
    assert result["failure"]["code"] == ("unreachable" if token.endswith("\n") else "invalid_option")
    assert "canary" not in json.dumps(result)
