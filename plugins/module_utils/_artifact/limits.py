# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive from the wire may cost, and the error for one that is not safe to unpack."""

from __future__ import annotations

from dataclasses import dataclass

from .._shared.errors import GitopsError

FREE = 16 << 20
"""Bytes that are harmless, whatever the ratio."""


class UnsafeArchive(GitopsError):
    """An archive that is malformed, too large, or holds what must not be unpacked."""

    code = "unsafe_archive"


@dataclass(frozen=True)
class Limits:
    """Bounds for unpacking one archive.

    `content`: unpacked bytes, all headers included; `ratio`: unpacked bytes for each compressed one, beyond FREE;
    `entries`: members; `names`: characters of all their names and parents together, which are kept in memory.
    """

    content: int = 4 << 30
    entries: int = 1_000_000
    ratio: int = 250
    names: int = 64 << 20

    @property
    def packed(self) -> int:
        """The most compressed bytes that such an archive may have: its descriptor tells before the first of them."""
        return self.content + FREE
