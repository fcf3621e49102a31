# SPDX-License-Identifier: GPL-3.0-or-later
"""One gzip member that every reader takes, with bytes that do not depend on the number of threads."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import threading
import time
import tracemalloc
import typing as t
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._artifact import compress
from ansible_collections.proven.gitops.plugins.module_utils._artifact.compress import BLOCK, Compressor

YAML = b"".join(b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-%d\n---\n" % n for n in range(90_000))
# The promise for zlib-ng 1.1.0, on every processor and Python.
YAML_DIGEST = "d6ce8092014ace8495a57ae86c4b47e6cec49a0d17dcbd1f0c34a951f0ca7aeb"


def compressed(data: bytes, threads: int = 2, piece: int = 100_000) -> bytes:
    with Compressor(threads) as compressor:
        return b"".join(compressor.gzip(data[start : start + piece] for start in range(0, len(data), piece)))


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("gzip")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"x", id="one byte"),
        pytest.param(os.urandom(BLOCK - 1), id="a block less one"),
        pytest.param(os.urandom(BLOCK), id="a block"),
        pytest.param(os.urandom(BLOCK + 1), id="a block and one"),
        pytest.param(bytes(2 * BLOCK), id="two blocks"),
        pytest.param(os.urandom(2 * BLOCK + 5), id="random"),
        pytest.param(bytes(5 * BLOCK), id="zeros"),
        pytest.param(YAML, id="yaml"),
    ],
)
def test_one_member_for_every_number_of_threads(data: bytes) -> None:
    packed = compressed(data, 1)
    assert compressed(data, 2, 4096) == compressed(data, 4, BLOCK) == packed
    engine = zlib.decompressobj(31)
    assert engine.decompress(packed) == data
    assert engine.eof
    assert engine.unused_data == b""
    assert subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True).stdout == data
    assert len(packed) <= len(data) + len(data) // 1000 + 64


def test_the_header_says_nothing() -> None:
    assert compressed(b"x")[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # as Go's compress/gzip


def test_golden() -> None:
    assert len(YAML) > 5 * BLOCK
    assert hashlib.sha256(compressed(YAML)).hexdigest() == YAML_DIGEST


@given(st.lists(st.binary(max_size=60), max_size=30), st.integers(1, 3), st.sampled_from([1, 7, 64]))
@settings(max_examples=60, deadline=None)
def test_the_cuts_of_the_source_change_nothing(pieces: list[bytes], threads: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compress, "BLOCK", block)
        data = b"".join(pieces)
        with Compressor(threads) as compressor:
            packed = b"".join(compressor.gzip(pieces))
        assert gzip.decompress(packed) == data
        assert packed == compressed(data, 1)


def test_streams_share_a_pool() -> None:
    contents = [bytes([number]) * 3 * BLOCK for number in range(3)]
    with Compressor(2) as compressor:
        packed = [bytearray() for _each in contents]
        for parts in zip(*(compressor.gzip([content]) for content in contents), strict=True):
            for target, part in zip(packed, parts, strict=True):
                target.extend(part)
    assert [gzip.decompress(data) for data in packed] == contents


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("good", [0, 1, 5])
def test_errors_of_the_source_come_through_and_threads_end(threads: int, good: int) -> None:
    def source() -> t.Iterator[bytes]:
        yield from [os.urandom(BLOCK)] * good
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"), Compressor(threads) as compressor:
        list(compressor.gzip(source()))
    assert workers() == []


def test_errors_of_the_compressor_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> t.NoReturn:
        raise MemoryError

    monkeypatch.setattr(compress, "_deflate", fail)
    for threads in (1, 2):
        with pytest.raises(MemoryError):
            compressed(YAML, threads)
    assert workers() == []


def test_a_reader_that_stops_ends_the_threads() -> None:
    with Compressor(2) as compressor:
        stream = compressor.gzip(os.urandom(BLOCK) for _each in range(50))
        next(stream)
        next(stream)
        assert workers()
        start = time.monotonic()
    assert time.monotonic() - start < 2
    assert workers() == []


def test_memory_is_flat() -> None:
    piece = YAML[:BLOCK]
    peaks = []
    for blocks in (8, 20):
        tracemalloc.start()
        with Compressor(2) as compressor:
            for _each in compressor.gzip(piece for _each in range(blocks)):
                pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4 * BLOCK
    assert peaks[1] < 16 * BLOCK


def test_memory_is_bounded_on_many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(256)))
    running: list[int] = []
    deflate = compress._deflate

    def noted(*arguments: t.Any) -> bytes:
        running.append(len(workers()))
        return deflate(*arguments)

    monkeypatch.setattr(compress, "_deflate", noted)
    with Compressor() as compressor:
        for _each in compressor.gzip(bytes(BLOCK) for _each in range(40)):
            pass
    assert 1 < max(running) <= 8


def test_where_the_processors_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    with Compressor() as compressor:
        assert gzip.decompress(b"".join(compressor.gzip([b"x"]))) == b"x"
