# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive may cost."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from support.tars import END, block, entry, gz, pax

from ansible_collections.proven.gitops.plugins.module_utils._artifact.archive import (
    Archive,
    Limits,
    UnsafeArchive,
)


def read(*parts: bytes, end: bytes = END, limits: Limits | None = None) -> dict[str, bytes | str]:
    """Files by their content, others by their kind."""
    archive = Archive(gz(*parts, end=end), limits)
    return {member.name: b"".join(archive.content()) if member.kind == "file" else member.kind for member in archive}


class TestLimits:
    def test_entries(self) -> None:
        parts = [entry(b"f%d" % number) for number in range(10)]
        assert len(read(*parts, limits=Limits(entries=10))) == 10
        with pytest.raises(UnsafeArchive, match="more than 9 entries"):
            read(*parts, limits=Limits(entries=9))

    def test_the_same_directory_for_ever(self) -> None:
        with pytest.raises(UnsafeArchive, match="more than 1000 entries"):
            read(*[entry(b"d", kind=b"5")] * 1001, limits=Limits(entries=1000))

    def test_content_is_refused_before_it_is_read(self) -> None:
        with pytest.raises(UnsafeArchive, match="'a' is larger than the limit of 4096 bytes"):
            read(block(b"a", 4097), limits=Limits(content=4096))
        assert read(entry(b"a", b"x" * 1000), limits=Limits(content=4096))

    def test_names(self) -> None:
        parts = [pax({b"path": b"/".join([b"%d" % number] * 50)}) + entry(b"a") for number in range(10)]
        assert len(read(*parts, limits=Limits(names=30_000))) == 10
        with pytest.raises(UnsafeArchive, match="more than 20000 characters"):
            read(*parts, limits=Limits(names=20_000))

    def test_deep_names_take_neither_time_nor_memory(self) -> None:
        deep = [
            pax({b"path": b"/".join([b"%x" % number] + [b"d"] * 1900)}) + entry(b"a", kind=b"5")
            for number in range(300)
        ]
        data = gz(*deep)
        start = time.process_time()
        tracemalloc.start()
        with pytest.raises(UnsafeArchive, match="characters"):
            list(Archive(data, Limits(names=8 << 20)))
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
        tracemalloc.stop()
        assert time.process_time() - start < 5
