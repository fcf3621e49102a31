# SPDX-License-Identifier: GPL-3.0-or-later
"""How to talk to registries: the same for all of a task, whatever their hosts."""

from __future__ import annotations

from dataclasses import dataclass

from .._http.settings import HttpSettings
from .._shared.addresses import is_loopback

MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes; what distribution's registry takes, and what every peer but one reads
ERROR_LIMIT = 64 * 1024  # bytes of an error body that are looked at
TOKEN_LIMIT = 64 * 1024  # bytes of a token server's answer, as go-containerregistry


@dataclass(frozen=True)
class ConnectionSettings(HttpSettings):
    """Connection options of a task. `insecure` is plain HTTP: None means only for names of this machine."""

    kind: str = "registry"

    def scheme(self, host: str) -> str:
        """`http` or `https` for a registry's `host[:port]`; where an authority is named, TLS is what is meant."""
        plain = is_loopback(host) and not (self.ca_path or self.client_cert)
        insecure = plain if self.insecure is None else self.insecure
        return "http" if insecure else "https"
