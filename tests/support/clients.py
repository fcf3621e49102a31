# SPDX-License-Identifier: GPL-3.0-or-later
"""Every HTTP client of ours behind one face, for the faults that all of them must stand: a new client is a row here."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.proven.gitops.plugins.module_utils._githost import errors as host_errors
from ansible_collections.proven.gitops.plugins.module_utils._githost.hosts import Credentials as HostCredentials
from ansible_collections.proven.gitops.plugins.module_utils._githost.hosts import Place
from ansible_collections.proven.gitops.plugins.module_utils._githost.hosts import connect as host_connect
from ansible_collections.proven.gitops.plugins.module_utils._kube import errors as kube_errors
from ansible_collections.proven.gitops.plugins.module_utils._kube.access import ClusterAccess
from ansible_collections.proven.gitops.plugins.module_utils._kube.access import connect as kube_connect
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import Address, KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Transport
from ansible_collections.proven.gitops.plugins.module_utils._registry import errors as registry_errors
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials, CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

_APP = Address(ObjectId("source.toolkit.fluxcd.io/v1", "OCIRepository", "flux-system", "app"), "ocirepositories")
_GONE = {"kind": "Status", "code": 404, "details": {"name": "app", "kind": "ocirepositories"}}
_REPOSITORY = {"private": True, "default_branch": "main", "clone_url": "u", "ssh_url": "s"}
SILENCES = 4  # the deadline of an exchange in timeouts, as git hosts and clusters have it


class Secrets(list[str]):
    """The secrets that a client has registered."""


@dataclass(frozen=True)
class Asked:
    """How to ask: `timeout` in seconds, files, and where secrets are told."""

    timeout: float = 5.0
    ca: str | None = None
    token: str = "t0ken"
    secrets: Secrets | None = None

    def tell(self, secret: str) -> None:
        if self.secrets is not None:
            self.secrets.append(secret)


@dataclass(frozen=True)
class Client:
    """One kind of client: `read(url, asked)` reads one thing from the server at `url`, None where it is not there."""

    name: str
    read: t.Callable[[str, Asked], object]
    found: bytes  # the body of an answer that it takes
    absent: bytes  # the body that belongs to a 404
    unreachable: type[GitopsError]
    bad_answer: type[GitopsError]

    def __str__(self) -> str:
        return self.name


def _registry(url: str, asked: Asked) -> object:
    scheme, _separator, host = url.partition("://")
    settings = ConnectionSettings(
        timeout=asked.timeout,
        deadline=asked.timeout * SILENCES,
        retries=2,
        ca_path=asked.ca,
        insecure=True if scheme == "http" and not host.startswith(("127.", "localhost")) else None,
    )
    store = CredentialStore(Credentials("ci", asked.token), environ={"HOME": "/nonexistent"})
    registry = Registries(settings, store, asked.tell).get(host)
    registry.session._greeted = True  # one request, as with the others
    return registry.get_manifest("a", "v1")


def _git_host(url: str, asked: Asked) -> object:
    credentials = HostCredentials(asked.token)
    options: dict[str, t.Any] = {"ca_path": asked.ca or "", "timeout": asked.timeout, "insecure": True}
    if asked.secrets is not None:
        options["register_secret"] = asked.tell
    return host_connect("gitea", url, credentials, **options).find(Place("o", "n"))


def _kubernetes(url: str, asked: Asked) -> object:
    token = None if url.startswith("http://") and "127.0.0.1" not in url else asked.token
    access = ClusterAccess(host=url, api_key=token, ca_cert=asked.ca, timeout=asked.timeout)
    return KubeClient(Transport(kube_connect(access, asked.tell))).get(_APP)


CLIENTS = (
    Client("registry", _registry, b'{"a":1}', b"{}", registry_errors.Unreachable, registry_errors.BadAnswer),
    Client(
        "git-host",
        _git_host,
        json.dumps(_REPOSITORY).encode(),
        b"{}",
        host_errors.Unreachable,
        host_errors.BadAnswer,
    ),
    Client(
        "kubernetes",
        _kubernetes,
        b'{"kind":"OCIRepository"}',
        json.dumps(_GONE).encode(),
        kube_errors.Unreachable,
        kube_errors.BadAnswer,
    ),
)
