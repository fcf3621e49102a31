# SPDX-License-Identifier: GPL-3.0-or-later
"""Content digests: `algorithm:hex`, checked by syntax before use and by content after.

Source: OCI image-spec, descriptor.md, "Digests". Only sha256 is accepted: cosign and Flux name nothing else.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from .errors import GitopsError

_SYNTAX = re.compile(r"sha256:[0-9a-f]{64}\Z", re.ASCII)


class InvalidDigest(GitopsError):
    """Text that is not a sha256 digest in canonical form."""

    code = "invalid_digest"


def check_syntax(text: object, where: str = "digest") -> str:
    """`text` itself, if it is `sha256:` and 64 lower-case hex digits; InvalidDigest otherwise."""
    if not isinstance(text, str):
        raise InvalidDigest(f"{where}: a {type(text).__name__} is not a sha256 digest")
    if not _SYNTAX.match(text):
        raise InvalidDigest(f"{where}: {text[:100]!r} is not a sha256 digest")
    return text


def of_bytes(data: bytes | bytearray | memoryview) -> str:
    """The digest of bytes in memory."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hexadecimal(digest: str) -> str:
    """The 64 hex digits of a digest."""
    return digest.partition(":")[2]


def hasher() -> t.Any:
    """A new running sha256 (hashlib's type has no public name before Python 3.14)."""
    return hashlib.sha256()
