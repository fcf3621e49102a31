# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a gzipped tar from the wire, member by member, within limits.

Nothing here writes a file. tarfile is used for one header at a time only: its own iteration would read a PAX header of
any size into memory, and its extraction trusts names. Rules for names: fluxcd/pkg tar/untar.go (validRelPath), and more.
"""

from __future__ import annotations

import hashlib
import tarfile
import typing as t
import zlib
from dataclasses import dataclass

from ansible_collections.proven.gitops.plugins.module_utils._artifact import tarball
from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError

_BLOCK = 512
_PIECE = 256 * 1024
_FREE = 16 << 20  # bytes that are harmless whatever the ratio
_MAX_EXTENDED = 64 * 1024
_EXTENDED_TYPES = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE)
_SKIPPED_TYPES = (tarfile.SYMTYPE,)


class UnsafeArchive(GitopsError):
    """An archive that is malformed, too large, or holds what must not be unpacked."""

    code = "unsafe_archive"


@dataclass(frozen=True)
class Limits:
    """`content` and `ratio` bound the unpacked bytes (absolutely, and for each compressed byte), `entries` the members."""

    content: int = 4 << 30
    entries: int = 1_000_000
    ratio: int = 250


@dataclass(frozen=True)
class Member:
    """One entry. `kind` is file, directory or link; only a file has content, which must be read before the next member."""

    name: str
    kind: t.Literal["file", "directory", "link"]
    size: int


class Archive:
    """Iterate over the members; `content()` gives the current file's bytes."""

    def __init__(self, gzipped: t.Iterable[bytes], limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._plain = _inflate(gzipped, self._limits)
        self._buffer = bytearray()
        self._left = 0
        self._padding = 0
        self._seen: dict[str, str] = {}

    def __iter__(self) -> t.Iterator[Member]:
        """The members in archive order; UnsafeArchive for the first that is not safe."""
        override: dict[str, str] = {}
        while True:
            for _ in self.content():
                pass
            info = self._header()
            if info is None:
                return
            if info.type in _EXTENDED_TYPES:
                override.update(self._extended(info))
                continue
            yield self._member(info, override)
            override = {}

    def content(self) -> t.Iterator[bytes]:
        """The rest of the current file, in pieces."""
        while self._left:
            piece = self._take(min(_PIECE, self._left))
            self._left -= len(piece)
            yield piece
        if self._padding:
            self._take(self._padding)
            self._padding = 0

    def _member(self, info: tarfile.TarInfo, override: dict[str, str]) -> Member:
        if any(key.startswith("GNU.sparse") for key in override):
            raise UnsafeArchive("the archive holds a sparse file")
        name = safe_name(override.get("path", info.name))
        size = _number(override["size"]) if "size" in override else info.size
        if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            self._left, self._padding = size, -size % _BLOCK
            return self._note(Member(name, "file", size))
        if info.type == tarfile.DIRTYPE:
            return self._note(Member(name, "directory", 0))
        if info.type in _SKIPPED_TYPES:
            return self._note(Member(name, "link", 0))
        raise UnsafeArchive(f"{name!r} is neither a file nor a directory (type {info.type!r})", entry=name)

    def _note(self, member: Member) -> Member:
        """Each name once, and nothing below a file: a second entry could replace what was checked."""
        known = self._seen.get(member.name)
        if known and not known == member.kind == "directory":
            raise UnsafeArchive(f"{member.name!r} is in the archive twice", entry=member.name)
        parent = member.name.rpartition("/")[0]
        while parent:
            if self._seen.get(parent, "directory") != "directory":
                raise UnsafeArchive(f"{member.name!r} is below {parent!r}, which is no directory", entry=member.name)
            parent = parent.rpartition("/")[0]
        self._seen[member.name] = member.kind
        if len(self._seen) > self._limits.entries:
            raise UnsafeArchive(f"the archive has more than {self._limits.entries} entries")
        return member

    def _header(self) -> tarfile.TarInfo | None:
        block = self._take(_BLOCK)
        if block == bytes(_BLOCK):
            self._end()
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
            raise UnsafeArchive(f"a tar header is malformed: {error}") from None
        if info.size < 0:
            raise UnsafeArchive("a tar header has a negative size")
        return info

    def _extended(self, info: tarfile.TarInfo) -> dict[str, str]:
        if info.size > _MAX_EXTENDED:
            raise UnsafeArchive(f"an extended header is larger than {_MAX_EXTENDED} bytes")
        data = self._take(info.size)
        self._take(-info.size % _BLOCK)
        if info.type == tarfile.XGLTYPE:
            return {}
        if info.type == tarfile.GNUTYPE_LONGNAME:
            return {"path": _decode(data.rstrip(b"\0"))}
        return _pax_records(data)

    def _end(self) -> None:
        """After the first zero block only zeros may follow: what hides behind the end would be signed unread."""
        rest = bytes(self._buffer)
        while rest:
            if rest.strip(b"\0"):
                raise UnsafeArchive("the archive has data after its end")
            rest = next(self._plain, b"")
        self._buffer.clear()

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = next(self._plain, b"")
            if not piece:
                raise UnsafeArchive("the archive ends too early")
            self._buffer += piece
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


def safe_name(name: str) -> str:
    """The name without `./` and a trailing `/`, or `.` for the root; UnsafeArchive if it could leave the directory."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not name or name.startswith("/") or ".." in parts or "\\" in name:
        raise UnsafeArchive(f"{name[:200]!r} is not a path inside the archive", entry=name[:200])
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise UnsafeArchive(f"{name[:200]!r} holds control characters", entry=name[:200])
    return "/".join(parts) or "."


def content_digest(gzipped: t.Iterable[bytes], limits: Limits | None = None) -> str | None:
    """The digest that our own tar of the archive's content would have; None if we would never have made it.

    Whatever wrote the archive, two equal digests mean: the same names, the same bytes, in the same order, nothing else.
    """
    archive = Archive(gzipped, limits)
    digest, empty = hashlib.sha256(), True
    for member in archive:
        if member.kind == "link":
            return None
        if empty and member.name != ".":  # flux up to 2.8 packs a single file without the root
            digest.update(tarball.header(".", 0, directory=True))
        empty = False
        digest.update(tarball.header(member.name, member.size, directory=member.kind == "directory"))
        for piece in archive.content():
            digest.update(piece)
        digest.update(tarball.padding(member.size))
    digest.update(tarball.END)
    return None if empty else "sha256:" + digest.hexdigest()


def _inflate(gzipped: t.Iterable[bytes], limits: Limits) -> t.Iterator[bytes]:
    """Decompress one or more gzip members, counting; the pieces are at most 256 KiB whatever the input says."""
    engine = zlib.decompressobj(31)
    received = produced = 0
    try:
        for piece in gzipped:
            received += len(piece)
            full = False
            while piece or full:
                if engine.eof:
                    engine = zlib.decompressobj(31)
                data = engine.decompress(piece, _PIECE)
                full = len(data) == _PIECE and not engine.eof  # more may wait inside the engine
                produced += len(data)
                if produced > min(limits.content, limits.ratio * received + _FREE):
                    raise UnsafeArchive(
                        f"the archive unpacks to more than its limit ({limits.content} bytes, {limits.ratio}:1)"
                    )
                if data:
                    yield data
                piece = engine.unused_data if engine.eof else engine.unconsumed_tail
        if not engine.eof:
            raise UnsafeArchive("the gzip stream ends too early")
    except zlib.error as error:
        raise UnsafeArchive(f"the gzip stream is malformed: {error}") from None


def _pax_records(data: bytes) -> dict[str, str]:
    records: dict[str, str] = {}
    while data:
        length, space, _ = data.partition(b" ")
        end = _number(_decode(length)) if space else 0
        record = data[len(length) + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or len(record) < 3 or record[-1:] != b"\n" or end > len(data):
            raise UnsafeArchive("a PAX header is malformed")
        if _decode(key) in records:
            raise UnsafeArchive("a PAX header names a field twice")
        records[_decode(key)] = _decode(value)
        data = data[end:]
    return records


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise UnsafeArchive(f"a PAX header holds {text[:20]!r} where a number is expected")
    return int(text)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnsafeArchive("a name in the archive is not UTF-8") from None
