# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers of a tar archive from the wire, read so that no other reader can find something else in them.

Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's manual, "Basic Tar Format";
Go's archive/tar, by which Flux unpacks. Readers differ in what they make of odd fields (Python's tarfile ends a number
at a leading zero byte, and sees a prefix in headers that have none): what is odd is refused, not guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .limits import UnsafeArchive

BLOCK = 512
FILE, OLD_FILE, DIRECTORY, SYMBOLIC_LINK = b"0", b"\0", b"5", b"2"
PAX, PAX_GLOBAL, GNU_LONG_NAME, GNU_LONG_LINK = b"x", b"g", b"L", b"K"
_NUMBER = re.compile(rb" *([0-7]+)[ \0]*\Z")
_NO_NUMBER = re.compile(rb"[ \0]*\Z")
_DECIMAL = re.compile(rb"[0-9]{1,15}\Z")
_TIME = re.compile(rb"-?[0-9]{1,15}(?:\.[0-9]{0,20})?\Z")
# Mode, owner, group, time, and the numbers of a device: not used, but Flux could not unpack what is malformed there.
_UNUSED_NUMBERS = (slice(100, 108), slice(108, 116), slice(116, 124), slice(136, 148), slice(329, 337), slice(337, 345))
_UNUSED_RECORDS = {
    **dict.fromkeys((b"uid", b"gid"), _DECIMAL),
    **dict.fromkeys((b"mtime", b"atime", b"ctime"), _TIME),
    **dict.fromkeys((b"linkpath", b"uname", b"gname"), re.compile(rb"[^\0]*\Z")),
}
_BASE_256 = (0x80, 0xFF)  # the first byte of a number that does not fit, positive or negative
_CHECKSUM = slice(148, 156)
_MAX_OCTAL = 8**11 - 1
_MAX_DIGITS = 15
MAX_RECORDS = 64
"""Fields of one PAX header. Writers use a dozen; a header full of tiny ones would cost a second for each few MB."""


@dataclass(frozen=True)
class Header:
    """One header block: name as it stands there, type flag, the content's size in bytes, mode, time in seconds."""

    name: str
    type: bytes
    size: int
    mode: int
    time: int


def parse(block: bytes) -> Header:
    """A header block of 512 bytes; UnsafeArchive unless it is ustar or GNU, with nothing where nothing belongs."""
    expected = sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
    if _octal(block[_CHECKSUM]) != expected:
        raise UnsafeArchive("a tar header has a wrong checksum")
    name, magic, prefix = _string(block[:100]), block[257:265], _string(block[345:500])
    if magic == b"ustar  \0":
        # GNU keeps times and maps of sparse files there. Not every reader knows.
        if block[345:].strip(b"\0"):
            raise UnsafeArchive("a GNU tar header has extra fields")
    elif magic[:6] != b"ustar\0" or block[500:].strip(b"\0"):
        raise UnsafeArchive("a tar header is neither ustar nor GNU")
    elif prefix:
        name = prefix + b"/" + name
    for field in _UNUSED_NUMBERS:
        if block[field.start] not in _BASE_256:
            _octal(block[field])
    return Header(decode(name), block[156:157], _size(block[124:136]), _small(block[100:108]), _small(block[136:148]))


def pax_records(data: bytes) -> dict[bytes, bytes]:
    """The records of a PAX header; UnsafeArchive for a malformed one, and for a key given twice."""
    records: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + _MAX_DIGITS + 1)
        if space < 0:
            raise UnsafeArchive("a PAX header is malformed")
        end = start + decimal(data[start:space])
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not key or not equals or end > len(data) or data[end - 1 : end] != b"\n":
            raise UnsafeArchive("a PAX header is malformed")
        if key in records:
            raise UnsafeArchive("a PAX header names a field twice")
        if len(records) == MAX_RECORDS:
            raise UnsafeArchive(f"a PAX header has more than {MAX_RECORDS} records")
        records[key] = value
        start = end
    if any(key in records and not pattern.match(records[key]) for key, pattern in _UNUSED_RECORDS.items()):
        raise UnsafeArchive("a PAX header is malformed")
    return records


def agreed_size(header: Header, extended: bytes | None) -> int:
    """The size of a content; UnsafeArchive where header and PAX record disagree without need (CVE-2025-62518)."""
    if extended is None:
        return header.size
    size = decimal(extended)
    if size != header.size and size <= _MAX_OCTAL:
        raise UnsafeArchive("a header and its PAX record disagree about a size")
    return size


def decimal(text: bytes) -> int:
    """A number in a PAX header; UnsafeArchive unless it is 1 to 15 digits."""
    if not _DECIMAL.match(text):
        raise UnsafeArchive(f"a PAX header holds {text[:20]!r} where a number is expected")
    return int(text)


def decode(data: bytes) -> str:
    """A name; UnsafeArchive unless it is UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnsafeArchive("a name in the archive is not UTF-8") from None


def _string(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _size(field: bytes) -> int:
    if field[0] == _BASE_256[0]:
        return int.from_bytes(field[1:], "big")
    return _octal(field)


def _small(field: bytes) -> int:
    """A mode or time; -1 where it is so large that no file has it."""
    return -1 if field[0] in _BASE_256 else _octal(field)


def _octal(field: bytes) -> int:
    if found := _NUMBER.match(field):
        return int(found.group(1), 8)
    if _NO_NUMBER.match(field):
        return 0
    raise UnsafeArchive("a tar header holds a malformed number")
