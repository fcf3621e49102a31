# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a pattern for a keyless identity lets in.

Flux hands `issuer` and `subject` to Go's regexp, which matches anywhere in the text: `https://github.com/org` also
accepts `https://github.com/org-evil/...` and `https://evil.example/?https://github.com/org`. Here every way through a
pattern is looked at: where is it anchored, and what stands before its first wildcard?
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .go_regexp import Mark, Sequence, expand

# Where everybody can have a repository, and with it a token that says so.
PUBLIC_FORGES = ("github.com", "gitlab.com")

_URL = re.compile(r"[a-z][a-z0-9+.-]*://")
_LOOSE_DOT = re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z0-9])")


class Weakness(t.NamedTuple):
    """Why a pattern lets in more than it seems to; `fatal` where that may be anybody."""

    fatal: bool
    reason: str


@dataclass(frozen=True)
class _Way:
    """One way through a pattern: the literal text before the first wildcard, and how it goes on."""

    begun: bool
    ended: bool
    prefix: str
    wild: bool  # whether anything but literal text follows the prefix
    suffix: str

    @classmethod
    def of(cls, sequence: Sequence) -> _Way:
        begun, ended = sequence[:1] == (Mark.BEGIN,), sequence[-1:] == (Mark.END,)
        inner = [token for token in sequence if token not in (Mark.BEGIN, Mark.END)]
        prefix = _literals(inner)
        wild = len(prefix) < len(inner)
        return cls(begun, ended, prefix, wild, _literals(inner[::-1])[::-1] if wild else "")

    @property
    def open(self) -> bool:
        """Whether other text may follow the prefix."""
        return self.wild or not self.ended


def _literals(tokens: t.Sequence[str | Mark]) -> str:
    """The literal text that `tokens` begin with; a dot that was meant as one counts as one."""
    text = ""
    for place, token in enumerate(tokens):
        if isinstance(token, str):
            text += token
        elif token is Mark.ONE and 0 < place < len(tokens) - 1 and _is_dot_between(tokens, place):
            text += "."
        else:
            break
    return text


def _is_dot_between(tokens: t.Sequence[str | Mark], place: int) -> bool:
    before, after = tokens[place - 1], tokens[place + 1]
    return isinstance(before, str) and isinstance(after, str) and (before + after).isalnum()


def weakness(pattern: str, what: t.Literal["issuer", "subject"]) -> Weakness | None:
    """The worst that can be said about `pattern`; None for a good one. Raises InvalidPattern."""
    ways = [_Way.of(sequence) for sequence in expand(pattern)]
    judged = [_judge(way, what, pattern) for way in ways]
    found = [one for one in judged if one]
    return min(found, key=lambda one: not one.fatal) if found else _loose_dots(pattern)


def _judge(way: _Way, what: str, pattern: str) -> Weakness | None:
    if not way.prefix and not way.suffix:
        return Weakness(True, "matches everybody")
    if not way.begun:
        return Weakness(
            True, f"does not begin with ^, so that anything may stand before it: write '{anchored(pattern)}'"
        )
    if not way.ended and (what == "issuer" or not way.prefix.endswith("/") or way.suffix):
        return Weakness(True, f"does not end with $, so that anything may follow it: write '{anchored(pattern)}'")
    if not way.prefix:
        return (
            None
            if "@" in way.suffix
            else Weakness(True, "begins with a wildcard, so that anything may stand before the rest")
        )
    url = _URL.match(way.prefix)
    return _judge_url(way, way.prefix[url.end() :], what) if url and way.open else None


def _judge_url(way: _Way, rest: str, what: str) -> Weakness | None:
    """`rest` is the literal text behind the scheme, up to the first wildcard."""
    host, slash, path = rest.partition("/")
    if not slash:
        return Weakness(what == "subject" or not host, f"has a wildcard in the host: {way.prefix}… may be anybody's")
    if what == "issuer":
        return None
    if host in PUBLIC_FORGES and "/" not in path:
        reason = "anybody can have such a name" if path else f"anybody can have a repository on {host}"
        return Weakness(
            True, f"accepts all that begins with {way.prefix}, and {reason}: name the owner, and end it with /"
        )
    if way.wild and path.count("/") < 2 and not path.endswith("/") and path:
        return Weakness(False, f"also accepts names that merely begin like this: {way.prefix}-other/…")
    return None


def _loose_dots(pattern: str) -> Weakness | None:
    scheme = _URL.search(pattern)
    host = pattern[scheme.end() :].partition("/")[0] if scheme else pattern.rpartition("@")[2]
    if _LOOSE_DOT.search(host):
        return Weakness(False, f"has a dot that matches any character in its host: write '{_escaped(pattern)}'")
    return None


def anchored(pattern: str) -> str:
    """`pattern` with an anchor at both ends, and the dots of its host taken literally."""
    inner = _escaped(pattern.removeprefix("^").removesuffix("$"))
    inner = f"(?:{inner})" if "|" in inner else inner
    return f"^{inner}{'.*' if inner.endswith('/') else ''}$"


def _escaped(pattern: str) -> str:
    scheme = _URL.search(pattern)
    start = scheme.end() if scheme else pattern.rfind("@") + 1
    host, slash, path = pattern[start:].partition("/")
    return pattern[:start] + _LOOSE_DOT.sub(r"\\.", host) + slash + path
