# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are at a registry, and where that was found."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    """At most one way in; `source` is for messages, the secrets never are (nor in repr)."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    source: str = "anonymous"


class CredentialStore:
    """Explicit credentials, else those of Docker's and Podman's files and helpers."""

    def __init__(
        self,
        explicit: Credentials | None = None,
        docker_config: str | None = None,
        environ: t.Mapping[str, str] | None = None,
    ) -> None:
        raise NotImplementedError

    def find(self, host: str, repository: str) -> Credentials: ...
