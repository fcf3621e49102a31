# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a tree are left out: gitignore lines as Flux reads them, with the Flux CLI's defaults.

Source: fluxcd/flux2 cmd/flux/build_artifact.go (excludeOCI) and fluxcd/pkg sourceignore (a fork of go-git's matcher).
That is not quite git's reading, nor that of the libraries which follow git: the last pattern that matches decides,
also for a file below an excluded directory; `dir/*` covers all that is below, at any depth; `dir/**` covers `dir` too;
`**/` stops at the first directory that fits; only `^` negates a class. Read otherwise, files would be published that
Flux leaves out.
"""

from __future__ import annotations

import re
import typing as t

from .._shared import go_glob
from .._shared.errors import InvalidOption

FLUX_DEFAULTS = (
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
)

_ANY_DEPTH = "**"
_SOMETHING_BELOW = "(?=.)"


class Ignore:
    """The gitignore lines of one artifact."""

    def __init__(self, lines: t.Iterable[str] = FLUX_DEFAULTS) -> None:
        groups: list[tuple[bool, list[str]]] = []
        for line in _patterns(lines):
            includes = line.startswith("!")
            if not groups or groups[-1][0] != includes:
                groups.append((includes, []))
            try:
                expression = _expression(line.removeprefix("!"))
            except go_glob.BadPattern as error:
                raise InvalidOption("ignore", f"{line!r} is not a gitignore pattern: {error}") from None
            if expression:
                groups[-1][1].append(expression)
        # Neighbours of one kind have no order among them, so that they are one expression. The last group comes first.
        self._rules = [(includes, re.compile("|".join(some), re.DOTALL)) for includes, some in reversed(groups) if some]
        # Without a "!" nothing below an excluded directory can come back, so it need not be read.
        self.prunes = not any(includes for includes, _other in self._rules)

    def excludes(self, name: str, *, directory: bool) -> bool:
        """Whether the entry at `name` (relative, with /) is left out."""
        # Every name in the path ends with a slash; what follows the last one tells a directory to _SOMETHING_BELOW.
        path = f"{name}/." if directory else f"{name}/"
        return next((not includes for includes, expression in self._rules if expression.match(path)), False)


def _patterns(lines: t.Iterable[str]) -> t.Iterator[str]:
    for text in lines:
        for line in f"{text}\n".replace("\r\n", "\n").split("\n"):
            if line.strip() and not line.startswith("#"):
                yield line if line.endswith("\\ ") else line.rstrip(" ")


def _expression(pattern: str) -> str | None:
    """The regular expression for paths that `pattern` covers; None if it covers none."""
    below = ""
    if pattern.endswith("/"):
        pattern, below = pattern[:-1], _SOMETHING_BELOW
    if "/" in pattern:
        return _anchored(pattern.split("/"), below)
    return f"(?:[^/]+/)*?{go_glob.expression(pattern)}/{below}" if pattern else None


def _anchored(parts: list[str], below: str) -> str | None:
    """A pattern with a slash starts at the root, and covers what is below the path it names."""
    expression, any_depth = "", False
    for number, part in enumerate(parts, 1):
        if part == _ANY_DEPTH and number == len(parts):
            break
        if part in ("", _ANY_DEPTH):
            any_depth = part == _ANY_DEPTH
        elif _ANY_DEPTH in part:
            return None
        else:
            name = go_glob.expression(part)
            # Not possessive, though it could be: Python before 3.11.5 matches too little then (gh-106052).
            expression += f"(?:(?!{name}/)[^/]+/)*{name}/" if any_depth else f"{name}/"
            any_depth = False
    return expression + below if expression else None
