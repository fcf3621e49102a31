# SPDX-License-Identifier: GPL-3.0-or-later
"""`.helmignore` as helm reads it, which is not how git reads a .gitignore.

The first line that matches decides. `!x` leaves out all that does not match x. A pattern without a slash is for the
base name, any other for the whole path from the chart's root. There is no `**`: helm fails, and so do we.
Source: helm v4.3.1 pkg/ignore/rules.go.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._shared import go_glob
from .errors import InvalidChart

NAME = ".helmignore"
_ALWAYS = "templates/.?*"
_BOM = b"\xef\xbb\xbf"
_MAX_LINE = 64 * 1024  # of Go's Scanner, which then fails
_MAX_LINES = 10_000
MAX_LENGTH = 1 << 20  # bytes
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True)
class _Rule:
    expression: re.Pattern[str]
    negated: bool
    directories: bool
    base: bool

    def decides(self, name: str, *, directory: bool) -> bool:
        """Whether the entry is left out by this rule; otherwise the next one is asked."""
        if self.directories and not directory:
            return self.negated
        text = name.rpartition("/")[2] if self.base else name
        return (self.expression.fullmatch(text) is not None) != self.negated


class HelmIgnore:
    """The rules of a chart; `data` is its .helmignore, None where there is none."""

    prunes = True  # a directory that is left out is not read

    def __init__(self, data: bytes | None) -> None:
        self._rules = [*_rules(data or b""), _rule(_ALWAYS)]

    def excludes(self, name: str, *, directory: bool) -> bool:
        """Whether the entry at `name` (relative, with /) is left out."""
        return any(rule.decides(name, directory=directory) for rule in self._rules)


def _rules(data: bytes) -> t.Iterator[_Rule]:
    if len(data) > MAX_LENGTH:
        raise InvalidChart(f"{NAME} is larger than {MAX_LENGTH} bytes")
    lines = data.removeprefix(_BOM).split(b"\n")
    if len(lines) > _MAX_LINES:
        raise InvalidChart(f"{NAME} has more than {_MAX_LINES} lines")
    for number, raw in enumerate(lines, 1):
        if len(raw) >= _MAX_LINE:
            raise InvalidChart(f"{NAME}: line {number} is longer than helm reads ({_MAX_LINE} bytes)")
        line = raw.decode("utf-8", "surrogateescape").strip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        if "**" in line:
            raise InvalidChart(f"{NAME}: line {number}: helm has no ** in patterns")
        try:
            yield _rule(line)
        except go_glob.BadPattern as error:
            raise InvalidChart(f"{NAME}: line {number} is not a pattern: {error}") from None


def _rule(line: str) -> _Rule:
    go_glob.expression(line)  # helm looks at the line as a whole first
    pattern = line.removeprefix("!")
    directories = pattern.endswith("/")
    pattern = pattern[:-1] if directories else pattern
    rooted = pattern.startswith("/")
    base = not rooted and "/" not in pattern
    expression = go_glob.expression(pattern[rooted:], paths=True)
    return _Rule(re.compile(expression, re.DOTALL), line.startswith("!"), directories, base)
