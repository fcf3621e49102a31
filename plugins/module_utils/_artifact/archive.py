# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a gzipped tar from the wire, member by member, within limits. Nothing here writes a file.

Rules: what fluxcd/pkg tar/untar.go refuses is refused, and so is what two readers could take for different things.
Python's tarfile is not used: it trusts names, and reads extended headers of any size into memory.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._shared import file_names
from . import gunzip, names, tar_header
from .limits import Limits, UnsafeArchive
from .tar_header import BLOCK, Header

__all__ = ["Archive", "Limits", "Member", "UnsafeArchive", "safe_name"]

_PIECE = 256 * 1024
_MAX_EXTENDED = 64 * 1024
_GIT_ARCHIVE = "pax_global_header"
_EXTENDED_TYPES = (tar_header.PAX, tar_header.GNU_LONG_NAME, tar_header.GNU_LONG_LINK)

Kind = t.Literal["file", "directory", "link"]
_KINDS: dict[bytes, Kind] = {
    tar_header.FILE: "file",
    tar_header.OLD_FILE: "file",
    tar_header.DIRECTORY: "directory",
    tar_header.SYMBOLIC_LINK: "link",
}


@dataclass(frozen=True)
class Member:
    """One entry. Only a file has content, which must be read before the next member; `size` is in bytes."""

    name: str
    kind: Kind
    size: int


class Archive:
    """Iterate over the members; `content()` gives the current file's bytes.

    `mode` and `time` (in seconds) are the current member's, -1 for one that no file has; `slashed` says whether its
    name ends with a slash.
    """

    def __init__(
        self,
        gzipped: t.Iterable[bytes],
        limits: Limits | None = None,
        *,
        observe: t.Callable[[bytes], object] = lambda _piece: None,
    ) -> None:
        self._limits = limits or Limits()
        self._observe = observe
        self._gunzip = gunzip.Gunzip(self._limits)
        self._plain = self._gunzip.inflate(gzipped)
        self._buffer = bytearray()
        self._left = self._padding = 0
        self._kinds: dict[str, Kind] = {}
        self._folded: dict[str, str] = {}
        self._names_left = self._limits.names
        self._headers = 0
        self.mode = self.time = 0
        self.slashed = False
        # A global header with a comment, as `git archive` writes it: harmless, but Flux unpacks it as an empty file.
        self.has_comment = False

    def __iter__(self) -> t.Iterator[Member]:
        """The members in archive order; UnsafeArchive for the first that is not safe."""
        extended: dict[bytes, dict[bytes, bytes]] = {}
        while True:
            for _each in self.content():
                pass
            header = self._header()
            if header is None:
                break
            if header.type in _EXTENDED_TYPES:
                if header.type in extended:
                    raise UnsafeArchive("a member has two extended headers of one kind")
                extended[header.type] = self._extended(header)
            elif header.type == tar_header.PAX_GLOBAL:
                self._global(header, extended)
            else:
                yield self._member(header, _overrides(extended))
                extended = {}
        if extended:
            raise UnsafeArchive("the archive ends after an extended header")

    @property
    def is_plain_gzip(self) -> bool:
        """Whether all that was read is one gzip member with nothing in it but the content."""
        return self._gunzip.is_plain

    def has_header(self, headers: t.Collection[bytes]) -> bool:
        """The same for a member that begins with one of `headers`."""
        return self._gunzip.has_header(headers)

    def content(self) -> t.Iterator[bytes]:
        """The rest of the current file, in pieces."""
        while self._left:
            piece = self._take(min(_PIECE, self._left))
            self._left -= len(piece)
            yield piece
        if self._padding:
            self._take(self._padding)
            self._padding = 0

    def _member(self, header: Header, overrides: dict[bytes, bytes]) -> Member:
        raw = tar_header.decode(overrides[b"path"]) if b"path" in overrides else header.name
        name = safe_name(raw)
        kind = _KINDS.get(header.type)
        if kind is None:
            raise UnsafeArchive(f"{name!r} is neither a file nor a directory (type {header.type!r})", entry=name)
        size = tar_header.agreed_size(header, overrides.get(b"size"))
        if kind == "file":
            self._check_file(name, raw, size)
            self._left, self._padding = size, -size % BLOCK
        elif size:
            raise UnsafeArchive(f"{name!r} is a {kind} with content", entry=name)
        self._note(name, kind)
        self.mode, self.time, self.slashed = header.mode, header.time, raw.endswith("/")
        return Member(name, kind, size)

    def _check_file(self, name: str, raw: str, size: int) -> None:
        if name == "." or raw.endswith(("/", "/.")):
            raise UnsafeArchive(f"{name!r} is a file with the name of a directory", entry=name)
        if size > self._limits.content:
            raise UnsafeArchive(f"{name!r} is larger than the limit of {self._limits.content} bytes", entry=name)

    def _note(self, name: str, kind: Kind) -> None:
        """Each name once, and nothing below a file: a second entry could replace what was checked."""
        known = self._kinds.get(name)
        if known and not known == kind == "directory":
            raise UnsafeArchive(f"{name!r} is in the archive twice, or is no directory but holds entries", entry=name)
        self._remember(name, kind)
        parent = name.rpartition("/")[0]
        while parent and parent not in self._kinds:
            self._remember(parent, "directory")
            parent = parent.rpartition("/")[0]
        if parent and self._kinds[parent] != "directory":
            raise UnsafeArchive(f"{name!r} is below {parent!r}, which is no directory", entry=name)

    def _remember(self, name: str, kind: Kind) -> None:
        """One name of those that are one file on some disk: only those that are not folded already need a second look.

        The names that were not folded cost memory twice, and so count twice.
        """
        folded = file_names.folded(name)
        if folded == name:
            other = self._folded.get(name)
        else:
            other = self._folded.setdefault(folded, name)
            other = folded if other == name and folded in self._kinds else other
            self._names_left -= len(folded)
        if other is not None and other != name:
            raise UnsafeArchive(f"{name!r} and {other!r} are one file on the disks of some systems", entry=name)
        self._names_left -= len(name)
        if self._names_left < 0:
            raise UnsafeArchive(f"the names in the archive have more than {self._limits.names} characters")
        self._kinds[name] = kind

    def _header(self) -> Header | None:
        """The next header; None at the end, which the rest of the stream has to confirm."""
        block = self._take(BLOCK)
        if block == bytes(BLOCK):
            self._end()
            return None
        header = tar_header.parse(block)
        if header.type not in _EXTENDED_TYPES:
            self._headers += 1
            if self._headers > self._limits.entries:
                raise UnsafeArchive(f"the archive has more than {self._limits.entries} entries")
        return header

    def _extended(self, header: Header) -> dict[bytes, bytes]:
        if header.size > _MAX_EXTENDED:
            raise UnsafeArchive(f"an extended header is larger than {_MAX_EXTENDED} bytes")
        data = self._take(header.size)
        self._take(-header.size % BLOCK)
        if header.type == tar_header.GNU_LONG_NAME:
            return {b"path": data.rstrip(b"\0")}
        if header.type == tar_header.GNU_LONG_LINK:
            return {}
        records = tar_header.pax_records(data)
        if any(key.startswith(b"GNU.sparse") for key in records):
            raise UnsafeArchive("the archive holds a sparse file")
        return records

    def _global(self, header: Header, pending: t.Collection[bytes]) -> None:
        """A global header is a file to Go, and changes all that follow to others: only that of git is harmless."""
        if pending or header.name != _GIT_ARCHIVE or set(self._extended(header)) - {b"comment"}:
            raise UnsafeArchive("the archive has a global header, and not the comment that git writes")
        self.has_comment = True

    def _end(self) -> None:
        """After the first zero block only zeros may follow: what hides behind the end would be signed unread."""
        rest = bytes(self._buffer) or self._next()
        while rest:
            if rest.strip(b"\0"):
                raise UnsafeArchive("the archive has data after its end")
            rest = self._next()
        self._buffer.clear()

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self._next()
            if not piece:
                raise UnsafeArchive("the archive ends too early")
            self._buffer += piece
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _next(self) -> bytes:
        piece = next(self._plain, b"")
        self._observe(piece)
        return piece


def safe_name(name: str) -> str:
    """The name without `./` and a trailing `/`, or `.` for the root; UnsafeArchive if it could leave the directory."""
    if reason := names.refusal(name):
        raise UnsafeArchive(f"{name[:200]!r} {reason}", entry=name[:200])
    return "/".join(part for part in name.split("/") if part not in ("", ".")) or "."


def _overrides(extended: dict[bytes, dict[bytes, bytes]]) -> dict[bytes, bytes]:
    """What the extended headers of one member say together; they must not contradict each other."""
    merged: dict[bytes, bytes] = {}
    for records in extended.values():
        if not merged.keys().isdisjoint(records):
            raise UnsafeArchive("two extended headers name the same field")
        merged |= records
    return merged
