# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax of names, tags and digests. Nothing becomes part of a path on disk that did not pass here.

Source: OCI distribution-spec v1.1 ("Pulling manifests": <name>, <reference>) and image-spec v1.1 (descriptor: digests).
"""

from __future__ import annotations

import re

from .message import ApiError

NAME_LIMIT = 255
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def is_name(text: str) -> bool:
    return len(text) <= NAME_LIMIT and _NAME.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def check_name(text: str) -> str:
    if not is_name(text):
        raise ApiError("NAME_INVALID", "not a repository name", detail={"name": text[:NAME_LIMIT]})
    return text


def check_digest(text: str) -> str:
    if not is_digest(text):
        raise ApiError("DIGEST_INVALID", "not a sha256 or sha512 digest", detail={"digest": text[:NAME_LIMIT]})
    return text


def check_tag(text: str) -> str:
    if _TAG.fullmatch(text) is None:
        raise ApiError("TAG_INVALID", "not a tag", detail={"tag": text[:NAME_LIMIT]})
    return text


def check_reference(text: str) -> str:
    """A tag or a digest; only a digest holds a colon."""
    return check_digest(text) if ":" in text else check_tag(text)
