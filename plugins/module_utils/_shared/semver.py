# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as Masterminds/semver 3 reads them, the library inside helm and Flux."""

from __future__ import annotations

import re
import typing as t

MAX_LENGTH = 256  # bytes of a version
PRERELEASE = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
BUILD = r"[0-9A-Za-z-]+"
SUFFIX = rf"(?:-{PRERELEASE}(?:\.{PRERELEASE})*)?(?:\+{BUILD}(?:\.{BUILD})*)?"

_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
_VERSION = re.compile(rf"v?{_NUMBER}(?:\.{_NUMBER}){{2}}{SUFFIX}", re.ASCII)
_LOOSE = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?{SUFFIX}", re.ASCII)
_MAX_NUMBER = 2**64 - 1


def is_version(text: str) -> bool:
    """Whether `text` is a version of SemVer 2, with or without a leading v."""
    return _VERSION.fullmatch(text) is not None


def is_loose(text: str) -> bool:
    """Whether the library makes a version of `text`: it also takes `1.2`, `v1` and `01.2.3`."""
    match = _LOOSE.fullmatch(text) if len(text) <= MAX_LENGTH else None
    return match is not None and all(int(number or 0) <= _MAX_NUMBER for number in match.groups())


def precedence(text: str) -> tuple[t.Any, ...] | None:
    """What sorts versions as SemVer 2.0.0 does (section 11); None for what is no version. Build metadata counts not."""
    if not is_version(text):
        return None
    version, _mark, pre = text.removeprefix("v").partition("+")[0].partition("-")
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")] if pre else []
    return (*map(int, version.split(".")), not pre, *parts)
