# SPDX-License-Identifier: GPL-3.0-or-later
"""Header blocks: whatever two readers could see differently is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tars import GNU, POSIX, V7, block, record

from ansible_collections.proven.gitops.plugins.module_utils._artifact.limits import UnsafeArchive
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tar_header import Header, parse, pax_records


def patched(start: int, data: bytes) -> bytes:
    """A header with other bytes at `start`, and the checksum for them."""
    raw = bytearray(block())
    raw[start : start + len(data)] = data
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


@pytest.mark.parametrize(
    ("size", "value"),
    [
        (b"00000000005\0", 5),
        (b"         17 ", 15),
        (b"777777777777", 8**12 - 1),
        (b"5\0\0\0\0", 5),
        (b"5 \0 ", 5),
        (b"\0" * 12, 0),
        (b" " * 12, 0),
        (b"\x80" + bytes(10) + b"\x05", 5),
        (b"\x80" + bytes(6) + b"\x02" + bytes(4), 2**33),
        (b"\x80" + b"\xff" * 11, 2**88 - 1),
    ],
)
def test_sizes(size: bytes, value: int) -> None:
    assert parse(block(b"a", size)) == Header("a", b"0", value, 0o640, 0o123)


@pytest.mark.fault("A11")
def test_records_take_the_time_of_their_bytes() -> None:
    """64 KiB of the smallest records in a header were copied for each: 55 minutes for what oci_pull may unpack."""
    data = b"".join(record(b"%x" % number, b"") for number in range(7000))
    began = time.process_time()
    for _turn in range(1000):
        with pytest.raises(UnsafeArchive, match="more than 64 records"):
            pax_records(data)
    assert time.process_time() - began < 2
    large = b"".join(record(b"%d" % number, b"x" * 1000) for number in range(64))
    assert len(pax_records(large)) == 64


@pytest.mark.parametrize(
    "size",
    [
        b"\0" * 11 + b"5",  # 0 to Python, 5 to Go
        b"5\x005\0",
        b"0o5\0",
        b"1_0\0",
        b"+5\0",
        b"-5\0",
        b"8\0",
        b"0x5\0",
        b"\t5\0",
        b"5\n",
        b"5,0\0",
        b"\xff" * 12,
        b"\xff" * 11 + b"\xfb",
        b"\x81" + bytes(10) + b"\x05",
        b"\xd9\xa1\0",
    ],
)
def test_odd_sizes(size: bytes) -> None:
    with pytest.raises(UnsafeArchive, match="a malformed number"):
        parse(block(b"a", size))


@pytest.mark.parametrize("start", [100, 108, 116, 136, 329, 337])
def test_odd_numbers_that_are_not_used(start: int) -> None:
    with pytest.raises(UnsafeArchive, match="a malformed number"):
        parse(patched(start, b"-0000x\0\0"))
    parse(patched(start, b"\x80\0\0\0\0\0\0\5"))
    parse(patched(start, b"\xff" * 8))


@pytest.mark.parametrize(
    "checksum", [b"000000\0 ", bytes(8), b" " * 8, b"junk\0\0\0\0", b"-1\0\0\0\0\0\0", b"\x80\0\0\0\0\0\x1c\x41"]
)
def test_a_wrong_checksum(checksum: bytes) -> None:
    with pytest.raises(UnsafeArchive, match=r"a wrong checksum|a malformed number"):
        parse(block(b"a", checksum=checksum))


@pytest.mark.fault("P6")
@given(st.integers(0, 511), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_a_flipped_bit_is_seen(position: int, change: int) -> None:
    raw = bytearray(block(b"a", 5))
    raw[position] ^= change
    try:
        assert parse(bytes(raw)) == Header("a", b"0", 5, 0o640, 0o123)
    except UnsafeArchive:
        return
    assert 148 <= position < 156  # another way to write the same checksum


def test_the_prefix_belongs_to_posix() -> None:
    assert parse(block(b"b", prefix=b"a")).name == "a/b"
    assert parse(block(b"b", prefix=b"../a")).name == "../a/b"  # judged with all other names
    assert parse(block(b"b", magic=b"ustar\0  ", prefix=b"a")).name == "a/b"
    with pytest.raises(UnsafeArchive, match="GNU tar header has extra fields"):
        parse(block(b"b", magic=GNU, prefix=b"a"))
    with pytest.raises(UnsafeArchive, match="GNU tar header has extra fields"):
        parse(block(b"b", magic=GNU, last=b"\x01"))
    assert parse(block(b"b", magic=GNU)).name == "b"


@pytest.mark.parametrize("magic", [V7, b"USTAR\x0000", b"ustar00\0", b"ustar  0", b"\0" * 5 + b"\x0000"])
def test_other_formats(magic: bytes) -> None:
    with pytest.raises(UnsafeArchive, match="neither ustar nor GNU"):
        parse(block(b"a", magic=magic))


def test_star_splits_names_elsewhere() -> None:
    with pytest.raises(UnsafeArchive, match="neither ustar nor GNU"):
        parse(block(b"a", magic=POSIX, prefix=b"p" * 150, last=bytes(8) + b"tar\0"))


def test_a_name_ends_at_its_first_zero() -> None:
    assert parse(block(b"a\0b")).name == "a"
    assert parse(block(b"n" * 100)).name == "n" * 100
    with pytest.raises(UnsafeArchive, match="not UTF-8"):
        parse(block(b"\xff"))
