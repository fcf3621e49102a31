# SPDX-License-Identifier: GPL-3.0-or-later
"""The globs of Go's path.Match, as regular expressions. They are not those of fnmatch.

Only `^` negates a class, and a backslash escapes.
"""

from __future__ import annotations

import re


class BadPattern(ValueError):
    """What path.Match calls a malformed pattern."""


def expression(pattern: str, *, paths: bool = False) -> str:
    """The expression for what `pattern` matches as a whole, to be used with DOTALL. * and ? never match a slash.

    Nor does a class, where names are matched that have none; with `paths` it does, as in Go. Each * takes the shortest
    that fits and keeps it, also as in Go, so that time is bounded.
    """
    chunks = [""]
    rest = pattern
    while rest:
        if rest[0] == "*":
            chunks.append("")
            rest = rest[1:]
        else:
            piece, rest = _class(rest[1:], paths) if rest[0] == "[" else _character(rest)
            chunks[-1] += piece
    if len(chunks) == 1:
        return chunks[0]
    return chunks[0] + "".join(f"(?>[^/]*?{chunk})" for chunk in chunks[1:-1]) + f"[^/]*{chunks[-1]}"


def _character(text: str) -> tuple[str, str]:
    if text[0] == "?":
        return "[^/]", text[1:]
    literal, rest = _literal(text)
    return re.escape(literal), rest


def _literal(text: str) -> tuple[str, str]:
    text = text.removeprefix("\\")
    if not text:
        raise BadPattern("it ends with a backslash")
    return text[0], text[1:]


def _class(text: str, paths: bool) -> tuple[str, str]:
    """A class from after its "[" to its "]"."""
    ranges = ""
    negated = text.startswith("^")
    rest = text[negated:]
    while not (rest.startswith("]") and ranges):
        low, rest = _bound(rest)
        high = low
        if rest.startswith("-"):
            high, rest = _bound(rest[1:])
        ranges += f"[{re.escape(low)}-{re.escape(high)}]|" if low <= high else "(?!)|"
    slash = "" if paths else "(?!/)"
    expression = f"{slash}(?!{ranges[:-1]})." if negated else f"{slash}(?:{ranges[:-1]})"
    return expression, rest[1:]


def _bound(text: str) -> tuple[str, str]:
    if not text:
        raise BadPattern("a [ has no ]")
    if text[0] in "-]":
        raise BadPattern(f"an unexpected {text[0]} in a class")
    return _literal(text)
