# SPDX-License-Identifier: GPL-3.0-or-later
"""A pattern for identities and issuers, matched by RE2, whose words Go's regexp and so cosign and Flux share.

Source: google/re2, doc/syntax.txt. Python's own `re` reads some patterns otherwise, and can be kept busy by a text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .._shared.errors import InvalidOption
from .._shared.requirements import third_party

with third_party():
    import re2

_LONGEST = 2000  # characters of a pattern; twenty workflows joined take as much
_MEMORY = 8 << 20  # bytes, the default of the library


@dataclass(frozen=True)
class Pattern:
    """A pattern that has to match all of a text; `source` is as it was given."""

    source: str
    _compiled: re2._Regexp = field(repr=False, compare=False)

    @classmethod
    def of(cls, source: str, option: str) -> Pattern:
        """InvalidOption names the option where it is none to RE2."""
        if len(source) > _LONGEST:
            raise InvalidOption(option, f"a pattern of more than {_LONGEST} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        try:
            return cls(source, re2.compile(source, options))
        except re2.error as error:
            said = error.args[0].decode("utf-8", "replace") if error.args and error.args[0] else "not a pattern"
            raise InvalidOption(option, f"{source[:100]!r} is not a regular expression of RE2: {said}") from None

    def matches(self, text: str) -> bool:
        return self._compiled.fullmatch(text) is not None

    def __str__(self) -> str:
        return f"matching {self.source}"
