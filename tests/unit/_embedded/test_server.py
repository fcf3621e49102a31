# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire itself: framing, kept-alive connections, faults on demand, and the end."""

from __future__ import annotations

import contextlib
import io
import itertools
import socket
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from support.plain_client import OCI_MANIFEST, PlainClient, sha256
from support.registry import RunningRegistry, running_registry

from ansible_collections.proven.gitops.plugins.module_utils._embedded.body import Body
from ansible_collections.proven.gitops.plugins.module_utils._embedded.handler import Handler
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Disconnect, Hook, Request, Response


def _raw(registry: RunningRegistry, sent: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    host, _colon, port = registry.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_one_connection_carries_many_requests(client: PlainClient, registry: RunningRegistry) -> None:
    client.call("GET", "/v2/")
    first = client.connection.sock
    for _number in range(50):
        assert client.call("GET", "/v2/a/manifests/v1").status == 404
        client.push_blob(b"x")
    assert client.connection.sock is first


def test_pipelined_requests_are_answered_in_order(registry: RunningRegistry) -> None:
    answer = _raw(registry, b"GET /v2/ HTTP/1.1\r\n\r\n" + b"GET /v1/ HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.index(b"200 OK") < answer.index(b"404 Not Found")


def test_http_1_0_ends_the_connection(registry: RunningRegistry) -> None:
    answer = _raw(registry, b"GET /v2/ HTTP/1.0\r\n\r\nGET /v2/ HTTP/1.0\r\n\r\n")
    assert answer.count(b"200 OK") == 1
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /v2/ HTTP/3.0\r\n\r\n", b"505"),
        (b"BREW /v2/ HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /v2/ HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"PUT /v2/ HTTP/1.1\r\nContent-Length: x\r\n\r\nGET /v2/ HTTP/1.1\r\n\r\n", b"400"),
        (b"PUT /v2/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ],
)
def test_what_cannot_be_framed_ends_the_connection(registry: RunningRegistry, sent: bytes, status: bytes) -> None:
    answer = _raw(registry, sent)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer
    assert b'{"errors": [' in answer


def test_expect_100_continue(registry: RunningRegistry) -> None:
    digest = sha256(b"body")
    head = f"POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    host, _colon, port = registry.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert connection.recv(100).startswith(b"HTTP/1.1 201")


def test_clients_that_leave_do_no_harm(registry: RunningRegistry, capfd: pytest.CaptureFixture[str]) -> None:
    for sent in (b"", b"GET /v2/ HT", b"PUT /v2/a/manifests/v1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"):
        with contextlib.suppress(ConnectionError):
            assert b" 20" not in _raw(registry, sent)[:12]
    client = PlainClient(registry.address)
    assert client.call("GET", "/v2/").status == 200
    client.connection.close()
    assert capfd.readouterr().err == ""


class Fault(Hook):
    """Does to each request what the test wants."""

    def __init__(
        self,
        before: t.Callable[[Request], Response | None] | None = None,
        after: t.Callable[[Request, Response], Response] | None = None,
    ) -> None:
        self._before = before
        self._after = after

    def before(self, request: Request) -> Response | None:
        return self._before(request) if self._before else super().before(request)

    def after(self, request: Request, response: Response) -> Response:
        return self._after(request, response) if self._after else super().after(request, response)


def test_a_hook_answers_first(client: PlainClient, registry: RunningRegistry) -> None:
    busy = Response(429, {"Retry-After": "1"}, b"later")
    answers = itertools.chain([busy, busy], itertools.repeat(None))
    registry.hooks.append(Fault(before=lambda _request: next(answers)))
    seen = [client.call("PUT", "/v2/a/manifests/v1", b"x" * 1000).status for _number in range(3)]
    assert seen == [429, 429, 400]
    assert [record.status for record in registry.requests] == seen


def test_a_hook_changes_the_answer(client: PlainClient, registry: RunningRegistry) -> None:
    def tamper(request: Request, response: Response) -> Response:
        return Response(200, response.headers, b"other") if request.method == "GET" else response

    digest = client.push_blob(b"right")
    registry.hooks += [Hook(), Fault(after=tamper)]
    answer = client.blob("GET", digest)
    assert (answer.status, answer.body) == (200, b"other")
    assert answer.headers["docker-content-digest"] == digest


def _no_answer(request: Request) -> Response | None:
    raise Disconnect


def test_a_hook_cuts_the_connection(client: PlainClient, registry: RunningRegistry) -> None:
    registry.hooks.append(Fault(before=_no_answer))
    with pytest.raises(ConnectionError):
        client.call("GET", "/v2/")
    registry.hooks.clear()
    client.connection.close()
    assert client.call("GET", "/v2/").status == 200


def test_a_hook_cuts_an_upload(client: PlainClient, registry: RunningRegistry) -> None:
    class Cut(Body):
        def readinto(self, view: memoryview) -> int:
            raise ConnectionResetError

    def cut(request: Request) -> None:
        request.body = Cut(io.BytesIO(), 10)

    registry.hooks.append(Fault(before=cut))
    with pytest.raises(ConnectionError):
        client.push_blob(b"x" * 10)
    assert registry.requests == []


def test_a_body_that_is_cut_short(client: PlainClient, registry: RunningRegistry) -> None:
    registry.hooks.append(Fault(before=lambda _request: Response(200, {"Content-Length": "100"}, b"only this")))
    client.connection.request("GET", "/v2/")
    response = client.connection.getresponse()
    assert response.read(9) == b"only this"
    with pytest.raises(Exception, match="IncompleteRead"):
        response.read()


def test_a_blob_that_lost_its_end(client: PlainClient, registry: RunningRegistry) -> None:
    digest = client.push_blob(b"0123456789")

    def shorten(_request: Request, response: Response) -> Response:
        Path(registry.store.blob_path(digest)).write_bytes(b"0123")
        return response

    registry.hooks.append(Fault(after=shorten))
    client.connection.request("GET", f"/v2/team/app/blobs/{digest}")
    with pytest.raises(Exception, match="IncompleteRead"):
        client.connection.getresponse().read()


def test_a_body_that_never_ends(client: PlainClient, registry: RunningRegistry) -> None:
    sent = itertools.count()
    endless: t.Iterator[bytes] = (b"x" * 1000 for _number in sent)
    registry.hooks.append(Fault(before=lambda _request: Response(200, {}, endless)))
    client.connection.request("GET", "/v2/")
    response = client.connection.getresponse()
    assert response.getheader("Content-Length") is None
    assert response.read(50_000) == b"x" * 50_000
    response.close()
    client.connection.close()


def test_a_head_of_a_stream_has_no_body(registry: RunningRegistry) -> None:
    registry.hooks.append(Fault(before=lambda _request: Response(200, {}, iter([b"x"]))))
    assert _raw(registry, b"HEAD /v2/ HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\n")


def test_a_bug_costs_one_connection(
    client: PlainClient, registry: RunningRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    def bug(_request: Request) -> Response | None:
        raise RuntimeError("a bug")

    registry.hooks.append(Fault(before=bug))
    with pytest.raises(ConnectionError):
        client.call("GET", "/v2/")
    registry.hooks.clear()
    client.connection.close()
    assert client.call("GET", "/v2/").status == 200
    assert "RuntimeError: a bug" in capfd.readouterr().err


def test_a_refused_body_without_end_is_not_read_to_its_end(
    registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[Handler.__module__], "_DRAIN_LIMIT", 1000)
    answer = _raw(registry, b"PUT /v1/ HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 2000)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"Connection: close" in answer


def test_the_end_closes_every_connection(tmp_path: Path) -> None:
    with running_registry(tmp_path) as registry:
        client = PlainClient(registry.address)
        client.call("GET", "/v2/")
    with contextlib.closing(client.connection), pytest.raises(ConnectionError):
        client.call("GET", "/v2/")


def test_stopping_does_not_wait_for_a_poll(tmp_path: Path) -> None:
    begin = time.monotonic()
    port = 0
    for _number in range(10):
        with running_registry(tmp_path, port=port) as registry:
            port = int(registry.address.rpartition(":")[2])
    assert time.monotonic() - begin < 4  # ten times socketserver's half a second is more


def test_a_port_that_is_taken(registry: RunningRegistry, tmp_path: Path) -> None:
    port = int(registry.address.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), running_registry(tmp_path, port=port):
        pass


def test_ipv6(tmp_path: Path) -> None:
    with running_registry(tmp_path, host="::1") as registry:
        assert registry.address.startswith("[::1]:")
        client = PlainClient(registry.address)
        assert client.push_image("v1")
        client.connection.close()


def test_a_large_blob_needs_little_memory(client: PlainClient, registry: RunningRegistry) -> None:
    part, count = bytes(1024 * 1024), 64
    digest = sha256(part * count)
    place = client.call("POST", "/v2/team/app/blobs/uploads/").headers["location"]
    sizes: list[int] = []

    class Watch(Hook):
        def before(self, request: Request) -> Response | None:
            readinto = request.body.readinto

            def watched(view: memoryview) -> int:
                sizes.append(len(view))
                return readinto(view)

            request.body.readinto = watched  # type: ignore[method-assign]
            return None

    registry.hooks.append(Watch())
    answer = client.call("PUT", f"{place}?digest={digest}", itertools.repeat(part, count), Content_Length=str(64 << 20))
    assert answer.status == 201
    assert max(sizes) <= 1024 * 1024
    assert len(sizes) >= 64
    registry.hooks.clear()
    assert client.blob("HEAD", digest).headers["content-length"] == str(64 << 20)


def test_hundreds_of_small_requests_in_a_second(client: PlainClient) -> None:
    """A delayed acknowledgement, a name lookup or a hash of the password would cost 40 ms in each."""
    digest = client.push_image("v1")
    begin = time.monotonic()
    for _number in range(100):
        assert client.manifest("GET", digest, Accept=OCI_MANIFEST).status == 200
    assert time.monotonic() - begin < 3


def test_connections_do_not_wait_for_each_other(registry: RunningRegistry) -> None:
    held, release = threading.Event(), threading.Event()

    def hold(request: Request) -> None:
        if request.path == "/v2/held":
            held.set()
            release.wait(20)

    registry.hooks.append(Fault(before=hold))
    slow = threading.Thread(target=_raw, args=(registry, b"GET /v2/held HTTP/1.1\r\n\r\n"))
    slow.start()
    assert held.wait(20)
    client = PlainClient(registry.address)
    assert client.call("GET", "/v2/").status == 200
    client.connection.close()
    release.set()
    slow.join()
