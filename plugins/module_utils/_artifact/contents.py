# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artifact of the registry holds, where we or the flux CLI could have written it: nobody else's is adopted.

What is adopted gets signed. So not only names and contents count: a stranger can hide much in a comment of the gzip, in
an extended header, in an owner or in a padding, which all readers skip and nobody ever sees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import go_tar, tarball
from .archive import Archive
from .limits import Limits

if TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterable

    from .archive import Member

_PERMISSIONS = 0o777


@dataclass(frozen=True)
class Contents:
    """`digest`: what our own tar of these files has; `diff_id`: the digest of the tar as it was found."""

    digest: str
    diff_id: str


def contents(gzipped: Iterable[bytes], limits: Limits | None = None) -> Contents | None:
    """What the archive holds; None unless it is, byte for byte, a tar that we or the flux CLI write, in plain gzip.

    Two equal digests mean: the same names, the same bytes, in the same order, nothing else. UnsafeArchive as Archive.
    """
    found = hashlib.sha256()
    archive = Archive(gzipped, limits, observe=found.update)
    tar = _Tar()
    for member in archive:
        if member.kind == "link" or archive.mode & ~_PERMISSIONS:
            return None
        tar.begin(member, archive.mode, ours=archive.slashed)
        for piece in archive.content():
            tar.add(piece)
        tar.add(tarball.padding(member.size))
    tar.add(tarball.END)
    diff_id = f"sha256:{found.hexdigest()}"
    if not (archive.is_plain_gzip and tar.is_whole and diff_id == tar.expected):
        return None
    return Contents(tar.digest, diff_id)


class _Tar:
    """The same entries as we would write them, and, where the archive is not ours, as the flux CLI would."""

    def __init__(self) -> None:
        self._ours = hashlib.sha256()
        self._theirs: hashlib._Hash | None = None
        self._entries = 0
        self._alone = False
        self.is_whole = False
        """Whether it begins with the root, or is the single file that flux up to 2.8 packs without it."""

    def begin(self, member: Member, mode: int, *, ours: bool) -> None:
        directory = member.kind == "directory"
        if not self._entries:
            self._theirs = None if ours else hashlib.sha256()
            self.is_whole = member.name == "." or not (directory or "/" in member.name)
            self._alone = member.name != "."
            if self._alone:
                self._ours.update(tarball.header(".", 0, directory=True))
        elif self._alone:
            self.is_whole = False
        self._entries += 1
        self._ours.update(tarball.header(member.name, member.size, directory=directory))
        if self._theirs:
            self._theirs.update(go_tar.header(member.name, member.size, mode, directory=directory))

    def add(self, piece: bytes) -> None:
        self._ours.update(piece)
        if self._theirs:
            self._theirs.update(piece)

    @property
    def digest(self) -> str:
        return f"sha256:{self._ours.hexdigest()}"

    @property
    def expected(self) -> str:
        return f"sha256:{(self._theirs or self._ours).hexdigest()}"
