# SPDX-License-Identifier: GPL-3.0-or-later
"""How to talk to registries: the same for all of a task, whatever their hosts."""

from __future__ import annotations

from dataclasses import dataclass

from .._oci.reference import is_loopback

MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes; what distribution's registry takes, and what every peer but one reads
ERROR_LIMIT = 64 * 1024  # bytes of an error body that are looked at
TOKEN_LIMIT = 64 * 1024  # bytes of a token server's answer, as go-containerregistry
REDIRECT_LIMIT = 5

# A transfer may take this much longer than `deadline` for each byte, so that a slow line does not look like an attack.
SECONDS_PER_BYTE = 1 / (64 * 1024)


@dataclass(frozen=True)
class ConnectionSettings:
    """Connection options of a task.

    `insecure` is plain HTTP: None means only for names of this machine. `ca_path` is a file or directory of PEM
    certificates trusted in addition to the system's. `timeout` is in seconds, for connecting and for each silence;
    `deadline` in seconds, for one operation with its retries. `backoff` is the first pause in seconds, then doubled.
    """

    insecure: bool | None = None
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 30.0
    deadline: float = 300.0
    retries: int = 3
    backoff: float = 0.5
    concurrency: int = 4
    user_agent: str = "proven.gitops"

    def scheme(self, host: str) -> str:
        """`http` or `https` for a registry's `host[:port]`."""
        insecure = is_loopback(host) if self.insecure is None else self.insecure
        return "http" if insecure else "https"
