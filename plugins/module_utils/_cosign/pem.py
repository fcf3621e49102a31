# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM files with one key in them, as Go's encoding/pem reads and writes them."""

from __future__ import annotations

import re
import textwrap

from .._shared import base64
from .._shared.errors import GitopsError

MAX_FILE = 65536  # bytes; an RSA-4096 key takes 5000

_BLOCK = re.compile(
    rb"^-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)\r?\n?-----END \1-----[ \t]*\r?$", re.MULTILINE
)
_BEGIN = re.compile(rb"^-----BEGIN ", re.MULTILINE)


class UnreadableKey(GitopsError):
    """Bytes that are not the kind of key that is expected; the message says what they are and what to do."""

    code = "unreadable_key"


def read_pem(data: bytes, where: str) -> tuple[str, bytes]:
    """The type and the DER (or other) content of the one PEM block in `data`; UnreadableKey otherwise.

    A second block is refused: cosign and Flux read only the first, so the others would be keys in name only.
    """
    if len(data) > MAX_FILE:
        raise UnreadableKey(f"{where}: more than {MAX_FILE} bytes, which no key has")
    if len(_BEGIN.findall(data)) > 1:
        raise UnreadableKey(f"{where}: more than one PEM block; give one key at a time")
    block = _BLOCK.search(data)
    if block is None:
        raise UnreadableKey(f"{where}: {'empty' if not data.strip() else 'not a key in PEM format'}")
    try:
        return block.group(1).decode(), base64.decode(block.group(2).translate(None, b" \t"))
    except base64.NotBase64 as error:
        raise UnreadableKey(f"{where}: the PEM block is damaged: {error}") from None


def write_pem(label: str, content: bytes) -> bytes:
    """A PEM block with 64 columns, as Go's encoding/pem writes it."""
    lines = textwrap.wrap(base64.encode(content), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
