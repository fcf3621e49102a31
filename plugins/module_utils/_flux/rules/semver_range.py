# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax of `ref.semver`: version ranges as Masterminds/semver 3 reads them, the library inside source-controller.

Whether a range parses is answered, and which of two versions is newer; which tag a range selects is Flux's to say.
Python's range libraries follow npm or Cargo, whose operators and separators differ, so they would refuse what Flux
takes and take what Flux refuses.
"""

from __future__ import annotations

import re

from ..._shared import semver
from ..._shared.errors import GitopsError

MAX_LENGTH = 512  # bytes; both limits are the library's own
MAX_GROUPS = 32  # alternatives joined by ||

_PART = r"(?:[0-9]{1,19}|[xX*])"
_VERSION = rf"v?{_PART}(?:\.{_PART}){{0,2}}{semver.SUFFIX}"
_CONSTRAINT = rf"(?:!=|>=|=>|<=|=<|~>|[=><~^])? ?{_VERSION}"
_HYPHEN = re.compile(rf" ?({_VERSION}) - ({_VERSION})(?![0-9A-Za-z.*+-]) ?")
_GROUP = re.compile(rf"{_CONSTRAINT}(?:(?: ?, ?| ){_CONSTRAINT})*")


class InvalidRange(GitopsError):
    """Text that Flux does not take for a range of versions."""

    code = "invalid_range"


def check(text: str) -> None:
    """Raise InvalidRange unless Flux can parse `text`, such as `*`, `>=1.2.0 <2`, `~1.4 || 2.x` or `1.2 - 1.4`."""
    if len(text.encode()) > MAX_LENGTH:
        raise InvalidRange(f"longer than {MAX_LENGTH} bytes")
    single_spaced = re.sub(r"[\t\n\f\r ]+", " ", text)
    groups = _HYPHEN.sub(r">=\1, <=\2 ", single_spaced).split("||")
    if len(groups) > MAX_GROUPS:
        raise InvalidRange(f"more than {MAX_GROUPS} alternatives")
    for group in groups:
        if not _GROUP.fullmatch(group.strip(" ")):
            raise InvalidRange(
                f"{group.strip(' ')[:80]!r} is no range of versions such as '*', '>=1.2.0 <2' or '1.4.x'"
            )
