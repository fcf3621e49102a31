# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry port: the calls of the OCI distribution API that use-cases need."""

from __future__ import annotations

import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._artifact.descriptor import Descriptor
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings

RegisterSecret = t.Callable[[str], None]
Advance = t.Callable[[int], None]


class Registry:
    """One registry. Thread-safe; connections are kept alive."""

    def __init__(
        self,
        host: str,
        settings: ConnectionSettings,
        credentials: CredentialStore,
        register_secret: RegisterSecret = lambda secret: None,
    ) -> None:
        raise NotImplementedError

    def ping(self) -> None: ...

    def resolve(self, repository: str, pointer: str) -> Descriptor | None: ...

    def get_manifest(self, repository: str, pointer: str) -> tuple[bytes, str] | None: ...

    def put_manifest(self, repository: str, pointer: str, raw: bytes, media_type: str) -> bool: ...

    def delete_manifest(self, repository: str, pointer: str) -> None: ...

    def has_blob(self, repository: str, digest: str) -> bool: ...

    def get_blob(self, repository: str, descriptor: Descriptor, limit: int) -> bytes: ...

    def stream_blob(self, repository: str, descriptor: Descriptor) -> t.Iterator[bytes]: ...

    def upload_blob(
        self,
        repository: str,
        descriptor: Descriptor,
        open_source: t.Callable[[], t.BinaryIO],
        progress: Advance | None = None,
    ) -> bool: ...

    def list_tags(self, repository: str, limit: int) -> list[str]: ...


class Registries:
    """The registries of a task, each made once."""

    def __init__(
        self,
        settings: ConnectionSettings,
        credentials: CredentialStore,
        register_secret: RegisterSecret = lambda secret: None,
    ) -> None:
        raise NotImplementedError

    def get(self, host: str) -> Registry: ...
