# SPDX-License-Identifier: GPL-3.0-or-later
"""What a chart layer of the registry holds, where we or helm could have written it: nobody else's is adopted.

What is adopted gets signed, so what all readers skip counts too: an owner, a padding, a comment of the gzip. Helm's own
header is known, and everything that it does not write is refused; times alone are its packer's to choose.
"""

from __future__ import annotations

import hashlib
import typing as t

from .._artifact import go_tar, tarball
from .._artifact.archive import Archive
from .._artifact.contents import Contents
from .._artifact.limits import UnsafeArchive
from . import chart as charts
from .errors import InvalidChart
from .files import Files
from .limits import ARCHIVE, Budget

_LINK = b"aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo="
# The header that helm gives its gzip: an extra field and a comment. Helm 3's field is no valid subfield of RFC 1952.
HEADERS = tuple(
    b"\x1f\x8b\x08\x14\x00\x00\x00\x00\x00\xff%b%bHelm\x00" % (len(extra).to_bytes(2, "little"), extra)
    for extra in (b"rr\x28\x00" + _LINK, b"+" + _LINK)
)


def contents(gzipped: t.Iterable[bytes], ours: str, meaning: t.Callable[[], str]) -> Contents | None:
    """What the layer holds; None unless it is our own tar of digest `ours`, or helm's of a chart of the same meaning.

    UnsafeArchive and InvalidChart for what helm would not load either.
    """
    found = hashlib.sha256()
    archive = _Recorder(gzipped, found.update)
    try:
        files = archive.files()
    except (UnsafeArchive, InvalidChart):
        return None
    diff_id = f"sha256:{found.hexdigest()}"
    if diff_id == ours and archive.is_plain_gzip:
        return Contents(ours, diff_id)
    if diff_id != archive.as_helm or not archive.has_header(HEADERS):
        return None
    try:
        chart = charts.load(files, Budget())
        same = chart.is_as_helm_packs and chart.meaning == meaning()
    except InvalidChart:
        return None
    return Contents(ours, diff_id) if same else None


class _Recorder:
    """Reads an archive, and learns what helm's tar of the same files and times would be."""

    def __init__(self, gzipped: t.Iterable[bytes], observe: t.Callable[[bytes], object]) -> None:
        self._archive = Archive(gzipped, ARCHIVE, observe=observe)
        self._expected = hashlib.sha256()

    def files(self) -> Files:
        found: Files = {}
        budget = Budget()
        for member in self._archive:
            if member.kind != "file":
                raise UnsafeArchive(f"{member.name!r} is not a file", entry=member.name)
            budget.take(member.size)
            content = b"".join(self._archive.content())
            header = go_tar.header(member.name, member.size, tarball.FILE_MODE, time=max(self._archive.time, 0))
            for piece in (header, content, tarball.padding(member.size)):
                self._expected.update(piece)
            found[member.name.partition("/")[2]] = content
        self._expected.update(tarball.END)
        return found

    @property
    def as_helm(self) -> str:
        return f"sha256:{self._expected.hexdigest()}"

    @property
    def is_plain_gzip(self) -> bool:
        return self._archive.is_plain_gzip

    def has_header(self, headers: t.Collection[bytes]) -> bool:
        return self._archive.has_header(headers)
