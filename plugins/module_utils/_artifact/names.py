# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files that an archive may hold: what is packed here must be what Flux and everybody else can unpack.

Source: fluxcd/pkg tar/untar.go (validRelPath), Linux' NAME_MAX and PATH_MAX. Control characters deceive a log's reader.
"""

from __future__ import annotations

import re

from .._shared.file_names import leads_into_git

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_MAX_NAME = 255  # bytes
_MAX_PATH = 4096  # bytes


def refusal(path: str) -> str | None:
    """Why the relative `path` must not be in an archive, as the end of a sentence; None if it may."""
    if found := _FORBIDDEN.search(path):
        return "holds a backslash" if found.group() == "\\" else "holds a control character"
    # Flux looks for the characters "../", so that "a../b" is refused as well.
    if not path or path.startswith("/") or path == ".." or path.endswith("/..") or "../" in path:
        return "is not a path inside the archive"
    if leads_into_git(path):
        return "leads into git's own directory: what is there, git runs"
    if len(path) * 4 > _MAX_NAME:
        return _too_long(path)
    return None


def _too_long(path: str) -> str | None:
    data = path.encode("utf-8", "surrogatepass")
    if len(data) >= _MAX_PATH or any(len(name) > _MAX_NAME for name in data.split(b"/")):
        return f"is longer than {_MAX_NAME} bytes for each name, or {_MAX_PATH} in all"
    return None
