# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded registry inside the test's own process: cheap, watched, and open to faults.

    def test_push(registry: RunningRegistry) -> None:
        ... registry.address ...
        assert not registry.uploads()

    with running_registry(tmp_path, username="u", password="p", auth="bearer", referrers=False) as registry: ...

Faults: append a `Hook` to `registry.hooks`. Its before() may sleep, return a `Response` (say, 429 with Retry-After),
raise `Disconnect`, or replace `request.body`; its after() may replace the answer. A `Response` with a `Content-Length`
header that is not its body's is cut short; one with an iterable as its body is sent part by part.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._embedded.api import Api
from ansible_collections.proven.gitops.plugins.module_utils._embedded.auth import Authenticator
from ansible_collections.proven.gitops.plugins.module_utils._embedded.credentials import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._embedded.main import make_authenticator
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook
from ansible_collections.proven.gitops.plugins.module_utils._embedded.server import Recorded, RegistryServer
from ansible_collections.proven.gitops.plugins.module_utils._embedded.store import Store

_FAST_SCRYPT = 2  # the cost that protects a password on disk would be most of a test's time


@dataclass(frozen=True)
class Tls:
    """PEM files: the server's certificate and key; with `client_ca`, clients must have a certificate of that CA."""

    certificate: Path
    privatekey: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.privatekey)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class RunningRegistry:
    """A registry that serves until the end of its `with` block.

    `address` is `127.0.0.1:PORT`, as in a reference. `requests` lists what was answered, as (method, target with its
    query, status), in order: clear it where a phase begins.
    """

    def __init__(self, server: RegistryServer) -> None:
        self.server = server
        self.address: str = server.address
        self.url = f"{server.scheme}://{server.address}"
        self.requests: list[Recorded] = server.requests
        self.hooks: list[Hook] = server.hooks

    @property
    def store(self) -> Store:
        """The content itself, to look at or to tamper with: `store.blob_path(digest)` is a file."""
        return self.server.api.store

    @property
    def authenticator(self) -> Authenticator:
        """A `Bearer` has a `lifetime` in seconds for the tokens it gives from now on."""
        return self.server.api.authenticator

    def writes(self) -> list[Recorded]:
        """The requests that were meant to change something."""
        return [seen for seen in self.requests if seen.method not in ("GET", "HEAD")]

    def uploads(self) -> list[Recorded]:
        """The requests that began, carried or ended an upload of a blob."""
        return [seen for seen in self.requests if "/blobs/uploads" in seen.target]


@contextlib.contextmanager
def running_registry(
    directory: Path,
    *,
    username: str | None = None,
    password: str | None = None,
    auth: str = "basic",
    referrers: bool = True,
    tls: Tls | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> t.Iterator[RunningRegistry]:
    """A registry with its content below `directory`; `auth` counts only with a user name and a password."""
    credentials = None
    if username is not None and password is not None:
        credentials = Credentials.create(username, password, cost=_FAST_SCRYPT)
    authenticator = make_authenticator(auth if credentials else "none", credentials)
    api = Api(Store(directory / "registry"), authenticator, referrers=referrers)
    server = RegistryServer(host, port, api, tls=tls.context() if tls else None, record=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield RunningRegistry(server)
    finally:
        server.stop()
        thread.join()
        server.server_close()


@pytest.fixture
def registry(tmp_path: Path) -> t.Iterator[RunningRegistry]:
    """A registry without authentication and with the referrers API."""
    with running_registry(tmp_path) as running:
        yield running
