# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompression within bounds."""

from __future__ import annotations

import gzip
import itertools
import os
import time
import tracemalloc
import typing as t
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._artifact.gunzip import Gunzip
from ansible_collections.proven.gitops.plugins.module_utils._artifact.limits import FREE, Limits, UnsafeArchive

EMPTY_MEMBER = gzip.compress(b"", mtime=0)


def inflate(pieces: t.Iterable[bytes], limits: Limits) -> t.Iterator[bytes]:
    return Gunzip(limits).inflate(pieces)


def plain(*pieces: bytes, limits: Limits | None = None) -> bytes:
    return b"".join(inflate(pieces, limits or Limits()))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
@settings(max_examples=80, deadline=None)
def test_members_and_cuts(contents: list[bytes], size: int) -> None:
    data = b"".join(map(gzip.compress, contents))
    assert plain(*(data[start : start + size] for start in range(0, len(data), size))) == b"".join(contents)


def test_pieces_are_small_whatever_comes() -> None:
    data = gzip.compress(bytes(5_000_000))
    assert max(map(len, inflate([data], Limits()))) == 256 * 1024
    assert plain(b"", data, b"") == bytes(5_000_000)


def test_cut_at_every_byte() -> None:
    data = gzip.compress(os.urandom(50), mtime=0)
    for length in range(len(data)):
        with pytest.raises(UnsafeArchive, match="the gzip stream ends too early"):
            plain(data[:length])
        with pytest.raises(UnsafeArchive, match="the gzip stream ends too early"):
            plain(data[:length] if length else b"")


@pytest.mark.fault("P7")
@given(st.integers(0, 17), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_what_does_not_check_is_malformed(position: int, change: int) -> None:
    data = bytearray(gzip.compress(b"hello", mtime=0))
    data[-1 - position % 8] ^= change  # the checksum and the length at the end
    with pytest.raises(UnsafeArchive, match=r"malformed: .*incorrect"):
        plain(bytes(data))


@pytest.mark.parametrize(
    "data", [b"x", b"PK\x03\x04", b"\x1f\x8b\x07", b"\x28\xb5\x2f\xfd", zlib.compress(b"x"), b"\0" * 512]
)
def test_what_is_no_gzip(data: bytes) -> None:
    with pytest.raises(UnsafeArchive, match="the gzip stream is malformed"):
        plain(data + bytes(100))
    with pytest.raises(UnsafeArchive, match="the gzip stream is malformed"):
        plain(gzip.compress(b"x") + data + bytes(100))


class TestBombs:
    @pytest.fixture
    def bomb(self) -> bytes:
        """About 1 : 1000."""
        return gzip.compress(bytes(64 << 20), 6)

    @pytest.mark.fault("A6a")
    def test_ratio(self, bomb: bytes) -> None:
        start = time.process_time()
        tracemalloc.start()
        produced: list[int] = []
        with pytest.raises(UnsafeArchive, match=r"more than its limit .*250:1"):
            produced.extend(map(len, inflate([bomb], Limits())))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
        tracemalloc.stop()
        assert sum(produced) <= FREE + 250 * len(bomb)
        assert time.process_time() - start < 3

    def test_content(self, bomb: bytes) -> None:
        with pytest.raises(UnsafeArchive, match=r"more than its limit \(1000000 bytes"):
            plain(bomb, limits=Limits(content=10**6))
        assert len(plain(bomb, limits=Limits(ratio=2000))) == 64 << 20

    @pytest.mark.fault("A6a")
    def test_a_stream_without_end(self) -> None:
        engine = zlib.compressobj(9, zlib.DEFLATED, 31)
        pieces = (engine.compress(os.urandom(512) * 2000) for _each in itertools.count())
        with pytest.raises(UnsafeArchive, match="more than its limit"):
            for _each in inflate(pieces, Limits(content=40 << 20)):
                pass

    @pytest.mark.parametrize(
        ("head", "rest"),
        [
            pytest.param(b"\x1f\x8b\x08\x08" + bytes(6), b"n" * 65536, id="a file name"),
            pytest.param(b"\x1f\x8b\x08\x10" + bytes(6), b"c" * 65536, id="a comment"),
            pytest.param(b"\x1f\x8b\x08\x00" + bytes(6), b"\x00\x00\x00\xff\xff" * 10_000, id="empty blocks"),
        ],
    )
    def test_for_ever_nothing(self, head: bytes, rest: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="is larger than its limit"):
            list(inflate(itertools.chain([head], itertools.repeat(rest)), Limits(content=1000)))

    @pytest.mark.parametrize("piece", [20, 1 << 20])
    def test_empty_members_for_ever(self, piece: int) -> None:
        data = EMPTY_MEMBER * 60_000
        start = time.process_time()
        with pytest.raises(UnsafeArchive, match="too many members"):
            list(inflate((data[at : at + piece] for at in range(0, len(data), piece)), Limits()))
        assert time.process_time() - start < 2

    def test_members_as_bgzip_writes_them(self) -> None:
        members = [gzip.compress(os.urandom(100) * 600) for _turn in range(300)] + [EMPTY_MEMBER]
        assert len(plain(b"".join(members))) == 300 * 60_000

    def test_one_piece_of_many_megabytes_takes_no_longer(self) -> None:
        data = gzip.compress(bytes(60 << 20), 6) + gzip.compress(os.urandom(2 << 20), 0)

        def seconds(pieces: t.Iterable[bytes]) -> float:
            start = time.process_time()
            for _each in inflate(pieces, Limits(ratio=2000)):
                pass
            return time.process_time() - start

        small = seconds(data[at : at + 65536] for at in range(0, len(data), 65536))
        assert seconds([data]) < 2 * small + 0.5


def test_errors_of_the_source_come_through() -> None:
    def source() -> t.Iterator[bytes]:
        yield gzip.compress(b"x")[:5]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        list(inflate(source(), Limits()))
