# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the wire, with short times; certificates; names that lead to this machine without being loopback."""

from __future__ import annotations

import socket
import typing as t

import pytest
from support.wire import Wire
from support.wire_client import Authority, Connect, make_authority

from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries, Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials, CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings


@pytest.fixture
def secrets() -> set[str]:
    """What was registered as a secret."""
    return set()


@pytest.fixture
def connect(secrets: set[str]) -> Connect:
    def make(wire: Wire | str, credentials: Credentials | None = None, **settings: t.Any) -> Registry:
        values = {"timeout": 5, "deadline": 10, "retries": 2, "backoff": 0.01, **settings}
        store = CredentialStore(credentials, environ={"HOME": "/nonexistent"})
        host = wire if isinstance(wire, str) else wire.host
        return Registries(ConnectionSettings(**values), store, secrets.add).get(host)

    return make


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in `.test` are this machine, though not by their name: as with a line in /etc/hosts."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: t.Any, *more: t.Any, **named: t.Any) -> t.Any:
        return resolve("127.0.0.1" if str(host).endswith(".test") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))
