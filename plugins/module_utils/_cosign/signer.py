# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs: a key in memory, and whatever else can make a signature and say what has to go with it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:  # pragma: no cover
    from .keys import PublicKey


@dataclass(frozen=True)
class Material:
    """What a verifier needs beside a signature, as a bundle carries it.

    `hint` names a key; a keyless signer has a `certificate` (DER) instead. `log_entries` are TransparencyLogEntry
    messages as JSON values, `timestamps` RFC 3161 responses (DER), `chain` the certificates above it (PEM), which only
    the legacy format carries.
    """

    hint: str = ""
    certificate: bytes | None = None
    log_entries: tuple[t.Mapping[str, t.Any], ...] = ()
    timestamps: tuple[bytes, ...] = ()
    chain: tuple[str, ...] = ()


class Signer(t.Protocol):
    """What signs. One serves a whole batch, from several threads at once."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies what it signs."""

    def sign(self, data: bytes) -> bytes:
        """A signature over `data` as the peers verify it by default."""

    def material(self, signature: bytes) -> Material:
        """What goes with a signature that sign() has given."""
