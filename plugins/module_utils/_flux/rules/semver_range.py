# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax of `ref.semver`: version ranges as Masterminds/semver 3 reads them, the library inside source-controller.

Whether a range parses is answered, and which of two versions is newer; which tag a range selects is Flux's to say.
Python's range libraries follow npm or Cargo, whose operators and separators differ, so they would refuse what Flux
takes and take what Flux refuses.
"""

from __future__ import annotations

import re
import typing as t

from ..._shared.errors import GitopsError

MAX_LENGTH = 512  # bytes; both limits are the library's own
MAX_GROUPS = 32  # alternatives joined by ||

_PART = r"(?:[0-9]{1,19}|[xX*])"
_PRERELEASE = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD = r"[0-9A-Za-z-]+"
_VERSION = rf"v?{_PART}(?:\.{_PART}){{0,2}}(?:-{_PRERELEASE}(?:\.{_PRERELEASE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?"
_CONSTRAINT = rf"(?:!=|>=|=>|<=|=<|~>|[=><~^])? ?{_VERSION}"
_HYPHEN = re.compile(rf" ?({_VERSION}) - ({_VERSION})(?![0-9A-Za-z.*+-]) ?")
_GROUP = re.compile(rf"{_CONSTRAINT}(?:(?: ?, ?| ){_CONSTRAINT})*")


_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
_SEMVER = re.compile(
    rf"v?{_NUMBER}(?:\.{_NUMBER}){{2}}(?:-{_PRERELEASE}(?:\.{_PRERELEASE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?", re.ASCII
)


class InvalidRange(GitopsError):
    """Text that Flux does not take for a range of versions."""

    code = "invalid_range"


def is_version(tag: str) -> bool:
    """Whether any range can select `tag`: one that is no version of SemVer is never looked at."""
    return _SEMVER.fullmatch(tag) is not None


def precedence(tag: str) -> tuple[t.Any, ...] | None:
    """What sorts versions as SemVer 2.0.0 does (section 11); None for what is no version. Build metadata counts not."""
    if not is_version(tag):
        return None
    version, _mark, pre = tag.removeprefix("v").partition("+")[0].partition("-")
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")] if pre else []
    return (*map(int, version.split(".")), not pre, *parts)


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
