# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers that the flux CLI writes, so that its archives can be told from those of strangers, byte for byte.

Sources: Go's archive/tar (formats, splitUSTARPath, PaxHeaders.0), as fluxcd/pkg tar/tar.go calls it: no owner, no time,
modes of the disk, no slash after a directory. tests/unit/_artifact/vectors/go_tar.json was written by Go itself.
"""

from __future__ import annotations

import posixpath

from .tarball import MAX_NAME, MAX_SIZE, block, padding, record

_MAX_PREFIX = 155
_DEVICE = b"0000000\0" * 2


def header(name: str, size: int, mode: int, *, directory: bool = False, time: int = 0) -> bytes:
    """The header blocks of one entry, from its name, its size in bytes, its permission bits, its kind and its time."""
    raw, kind = name.encode("utf-8"), b"5" if directory else b"0"
    short = len(raw) <= MAX_NAME and raw.isascii()
    cut = 0 if short else _cut(raw)
    if size <= MAX_SIZE and (short or cut):
        return block(raw[cut and cut + 1 :], mode, size, kind, rest=_rest(raw[:cut]), time=time)
    records = b"" if short else record(b"path", raw)
    if size > MAX_SIZE:
        records += record(b"size", b"%d" % size)
        size = 0
    folder, base = posixpath.split(name)
    label = _ascii(posixpath.join(folder, "PaxHeaders.0", base))[:MAX_NAME].rstrip(b"/")
    extended = block(label, 0, len(records), b"x") + records + padding(len(records))
    return extended + block(_field(_ascii(name)), mode, size, kind, rest=_rest(b""), time=time)


def _cut(raw: bytes) -> int:
    """Where a name is cut into the prefix and the name of a ustar header; 0 where it cannot be."""
    if not raw.isascii():
        return 0
    cut = raw.rfind(b"/", 0, _MAX_PREFIX + 1)
    return cut if cut > 0 and len(raw) - cut - 1 <= MAX_NAME else 0


def _rest(prefix: bytes) -> bytes:
    return bytes(64) + _DEVICE + prefix.ljust(_MAX_PREFIX, b"\0") + bytes(12)


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "ignore")


def _field(raw: bytes) -> bytes:
    """The name beside a PAX record. Where cutting it would leave a slash at the end, Go ends it before."""
    field = bytearray(raw[:MAX_NAME])
    if len(raw) > MAX_NAME and field.endswith(b"/"):
        field[len(field[:-1].rstrip(b"/"))] = 0
    return bytes(field)
