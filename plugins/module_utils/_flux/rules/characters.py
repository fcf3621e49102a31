# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of characters as Go's regular expressions name them: ranges of code points, both ends included."""

from __future__ import annotations

import typing as t

Ranges: t.TypeAlias = "tuple[tuple[int, int], ...]"

_LAST = 0x10FFFF
ANY: Ranges = ((0, _LAST),)


def merged(ranges: t.Iterable[tuple[int, int]]) -> Ranges:
    """In order, and none that overlaps or touches another."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """Every character that is not in `ranges`."""
    found, begin = [], 0
    for low, high in merged(ranges):
        if begin < low:
            found.append((begin, low - 1))
        begin = high + 1
    return (*found, (begin, _LAST)) if begin <= _LAST else tuple(found)


def _of(text: str) -> Ranges:
    """`AZaz09` is three ranges."""
    return merged((ord(text[place]), ord(text[place + 1])) for place in range(0, len(text), 2))


# What \d, \s and \w stand for: ASCII alone, unlike in Python.
ESCAPED: dict[str, Ranges] = {"d": _of("09"), "s": _of("\t\n\f\r  "), "w": _of("09AZaz__")}

POSIX: dict[str, Ranges] = {
    "alnum": _of("09AZaz"),
    "alpha": _of("AZaz"),
    "ascii": _of("\x00\x7f"),
    "blank": _of("\t\t  "),
    "cntrl": _of("\x00\x1f\x7f\x7f"),
    "digit": _of("09"),
    "graph": _of("!~"),
    "lower": _of("az"),
    "print": _of(" ~"),
    "punct": _of("!/:@[`{~"),
    "space": _of("\t\r  "),
    "upper": _of("AZ"),
    "word": _of("09AZaz__"),
    "xdigit": _of("09AFaf"),
}
