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

    def check_packed(self, size: int, what: str) -> None:
        """UnsafeArchive for a layer of so many compressed bytes, which cannot hold less than `content` allows.

        What does not compress grows by less than a thousandth.
        """
        if size > self.content + self.content // 1000 + 1024:
            raise UnsafeArchive(f"{what}: its layer is {size} bytes long, and more than {self.content} are not allowed")
