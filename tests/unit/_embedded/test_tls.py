# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry behind TLS, with and without certificates of clients."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import typing as t
from pathlib import Path

import pytest
from support.certificates import Authority, Pair
from support.plain_client import PlainClient
from support.registry import RunningRegistry, Tls, running_registry


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@contextlib.contextmanager
def _client(registry: RunningRegistry, authority: Authority, pair: Pair | None = None) -> t.Iterator[PlainClient]:
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.privatekey)
    client = PlainClient(registry.address)
    client.connection = http.client.HTTPSConnection(registry.address, timeout=20, context=context)
    with contextlib.closing(client.connection):
        yield client


def test_tls(tmp_path: Path, authority: Authority) -> None:
    content = b"x" * 1_000_000
    with (
        running_registry(tmp_path, tls=Tls(*authority.server()), username="u", password="p", auth="bearer") as registry,
        _client(registry, authority) as client,
    ):
        assert registry.url.startswith("https://127.0.0.1:")
        answer = client.call("GET", "/v2/")
        assert f'realm="https://{registry.address}/token"' in answer.headers["www-authenticate"]
    with running_registry(tmp_path, tls=Tls(*authority.server())) as registry, _client(registry, authority) as client:
        digest = client.push_blob(content)
        assert client.blob("GET", digest).body == content
        assert client.blob("GET", digest, Range="bytes=-3").body == b"xxx"


def test_client_certificates(tmp_path: Path, authority: Authority) -> None:
    tls = Tls(*authority.server(), client_ca=authority.certificate)
    with running_registry(tmp_path, tls=tls) as registry:
        with _client(registry, authority, authority.client()) as client:
            assert client.call("GET", "/v2/").status == 200
        # The client of TLS 1.3 learns of it after its own part of the handshake.
        with _client(registry, authority) as client, pytest.raises((ssl.SSLError, ConnectionError)):
            client.call("GET", "/v2/")


def test_those_who_do_not_speak_tls_hold_up_nobody(
    tmp_path: Path, authority: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_registry(tmp_path, tls=Tls(*authority.server())) as registry:
        host, _colon, port = registry.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20):  # never begins the handshake
            plain = PlainClient(registry.address)
            with pytest.raises((ConnectionError, http.client.HTTPException)):
                plain.call("GET", "/v2/")
            plain.connection.close()
            with _client(registry, authority) as client:
                assert client.call("GET", "/v2/").status == 200
    assert capfd.readouterr().err == ""
