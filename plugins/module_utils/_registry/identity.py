# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are at a registry."""

from __future__ import annotations

from dataclasses import dataclass, field

ANONYMOUS = "no credentials were given or found"


@dataclass(frozen=True)
class Credentials:
    """At most one way in; `source` is for messages, the secrets never are (nor in repr)."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    source: str = ANONYMOUS

    @property
    def anonymous(self) -> bool:
        """Whether there is nothing to introduce ourselves with."""
        return not (self.username or self.identity_token or self.registry_token)
