# SPDX-License-Identifier: GPL-3.0-or-later
"""One gzip member, compressed in blocks on all cores, with bytes that do not depend on how many there are.

Each block of 1 MiB is deflated by itself with the 32 KiB before it as dictionary, as pigz does, and ends on a byte
boundary, so the concatenation is one deflate stream (RFC 1951, RFC 1952). The compressor is zlib-ng at level 5, a
quarter faster than its level 6 for 1 to 2 % more bytes; docs/performance.md has the figures. Its version is pinned in
requirements.txt, since it decides the layer's digest.
"""

from __future__ import annotations

import os
import struct
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from .._shared.requirements import third_party
from .gunzip import HEADER

with third_party():
    from zlib_ng import zlib_ng

LEVEL = 5
BLOCK = 1 << 20
_WINDOW = 32 * 1024
_MAX_THREADS = 8  # memory is two blocks for each, and the disk is slower than eight


class Compressor:
    """A pool of threads that gzip streams share; close() it."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or min(_processors(), _MAX_THREADS)
        self._pool = ThreadPoolExecutor(self._threads, "gzip") if self._threads > 1 else None

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def gzip(self, source: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """The gzip file of `source`, in pieces, with at most two blocks for each thread in memory."""
        crc, size, dictionary = 0, 0, b""
        waiting: deque[Future[bytes]] = deque()
        yield HEADER
        for block, last in _blocks(source):
            crc, size = zlib_ng.crc32(block, crc), size + len(block)
            if self._pool is None or (last and not waiting):
                yield _deflate(block, dictionary, last)
            else:
                waiting.append(self._pool.submit(_deflate, block, dictionary, last))
                if len(waiting) >= 2 * self._threads:
                    yield waiting.popleft().result()
            dictionary = block[-_WINDOW:]
        while waiting:
            yield waiting.popleft().result()
        yield struct.pack("<II", crc, size & 0xFFFFFFFF)


def _processors() -> int:
    """The processors that this process may use; macOS cannot tell, and has all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _blocks(source: t.Iterable[bytes]) -> t.Iterator[tuple[bytes, bool]]:
    """The source in blocks of exactly BLOCK bytes but for the last, each with whether it is the last."""
    pieces: list[bytes] = []
    size = 0
    for piece in source:
        pieces.append(piece)
        size += len(piece)
        while size > BLOCK:
            joined = b"".join(pieces)
            yield joined[:BLOCK], False
            pieces = [joined[BLOCK:]]
            size -= BLOCK
    yield b"".join(pieces), True


def _deflate(block: bytes, dictionary: bytes, last: bool) -> bytes:
    engine = (
        zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, -15, 8, 0, dictionary)
        if dictionary
        else zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, -15)
    )
    return engine.compress(block) + engine.flush(zlib_ng.Z_FINISH if last else zlib_ng.Z_SYNC_FLUSH)
