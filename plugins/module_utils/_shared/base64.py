# SPDX-License-Identifier: GPL-3.0-or-later
"""Base64, read and written as Go's encoding/base64 does it (StdEncoding): by cosign, Flux, Docker and Kubernetes.

CR and LF are dropped wherever they stand, since `base64` without `-w0` breaks lines. Everything else is strict: one
alphabet, padding to a multiple of four, and nothing behind it. Python's own strict mode takes `AAAA=`.
"""

from __future__ import annotations

import base64

_URL_SAFE = str.maketrans("-_", "+/", "+/")
_NO_BREAKS = str.maketrans("", "", "\r\n")


class NotBase64(ValueError):
    """Text that Go would not decode."""


def decode(text: object) -> bytes:
    """The bytes that `text`, a string or bytes, stands for; NotBase64 otherwise."""
    try:
        said = text.decode("ascii") if isinstance(text, bytes) else text
        if not isinstance(said, str):
            raise NotBase64("not text")
        return _decode(said.translate(_NO_BREAKS))
    except UnicodeDecodeError:
        raise NotBase64("not ASCII") from None


def decode_either(text: str) -> bytes:
    """As Go's protojson reads bytes: in the alphabet of URLs where `-` or `_` occurs, unpadded where the length is odd.

    The length that decides counts line breaks, too.
    """
    said = text.translate(_NO_BREAKS)
    if "-" in said or "_" in said:
        if "+" in said or "/" in said:
            raise NotBase64("two alphabets")
        said = said.translate(_URL_SAFE)
    if len(text.encode("utf-8", "surrogatepass")) % 4 == 0:
        return _decode(said)
    if "=" in said:
        raise NotBase64("padding, where the length allows none")
    return _decode(said + "=" * (-len(said) % 4))


def encode(data: bytes) -> str:
    """Padded, in one line."""
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    digits = text.rstrip("=")
    if len(text) % 4 or len(text) - len(digits) > 2 or "=" in digits:
        raise NotBase64("incorrect padding")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NotBase64(str(error)) from None
