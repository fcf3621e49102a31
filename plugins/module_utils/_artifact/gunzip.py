# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounded decompression of gzip from the wire (RFC 1952): neither memory nor time is the sender's to choose."""

from __future__ import annotations

import typing as t
import zlib

from .limits import FREE, Limits, UnsafeArchive

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""What we and Go write before the content: no flags, no time, unknown system."""
_OUTPUT = 256 * 1024
# zlib copies what it did not use yet each time it is called, so that it gets little at a time.
_INPUT = 64 * 1024
_GZIP = 31
_HEAD = 128  # bytes that are kept of what stands before the content
_MEMBER = 64  # compressed bytes that a member has, on average and beyond the first few


class Gunzip:
    """One stream; after `inflate` it also knows how the content was wrapped."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._engine = zlib.decompressobj(_GZIP)
        self._head = b""
        self._received = self._produced = 0
        self._members = 1

    def inflate(self, gzipped: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """The content of one or more gzip members, in pieces of at most 256 KiB; UnsafeArchive beyond the limits."""
        try:
            for piece in gzipped:
                for start in range(0, len(piece), _INPUT):
                    yield from self._feed(piece[start : start + _INPUT])
        except zlib.error as error:
            raise UnsafeArchive(f"the gzip stream is malformed: {error}") from None
        if not self._engine.eof:
            raise UnsafeArchive("the gzip stream ends too early")

    @property
    def is_plain(self) -> bool:
        """Whether it was one member, with the header that we and Go write, and hardly larger than its content."""
        return self.has_header((HEADER,))

    def has_header(self, headers: t.Collection[bytes]) -> bool:
        """Whether it was one member that begins with one of `headers`, and hardly larger than its content."""
        most = self._produced + self._produced // 1000 + 1024
        return self._members == 1 and self._head.startswith(tuple(headers)) and self._received <= most

    def _feed(self, piece: bytes) -> t.Iterator[bytes]:
        self._received += len(piece)
        if len(self._head) < _HEAD:
            self._head += piece[: _HEAD - len(self._head)]
        waiting = False
        while piece or waiting:
            if self._engine.eof:
                self._next_member()
            data = self._engine.decompress(piece, _OUTPUT)
            waiting = len(data) == _OUTPUT and not self._engine.eof  # more may wait inside the engine
            piece = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
            self._produced += len(data)
            self._check()
            if data:
                yield data

    def _next_member(self) -> None:
        self._members += 1
        if self._members > 16 + self._received // _MEMBER:
            raise UnsafeArchive("the gzip stream has too many members")
        self._engine = zlib.decompressobj(_GZIP)

    def _check(self) -> None:
        content, ratio = self._limits.content, self._limits.ratio
        if self._produced > min(content, ratio * self._received + FREE):
            raise UnsafeArchive(f"the archive unpacks to more than its limit ({content} bytes, {ratio}:1)")
        if self._received > self._limits.packed:  # compressed data may also stand for nothing at all, for ever
            raise UnsafeArchive(f"the archive is larger than its limit ({content} bytes)")
