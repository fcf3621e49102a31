# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a pattern for a keyless identity lets in.

Flux and cosign hand `issuer` and `subject` to Go's regexp, which matches anywhere in the text: `https://github.com/org`
also accepts `https://github.com/org-evil/...` and `https://evil.example/?https://github.com/org`. Every way through a
pattern has to pin for itself what an attacker cannot have: an issuer its whole host, a subject the host and the account
of a URL, or the domain of an e-mail address (all of the address where everybody can have one). A way that consists of
literal text alone pins everything.
"""

from __future__ import annotations

import itertools
import re
import typing as t
from dataclasses import dataclass

from .characters import ANY
from .go_regexp import InvalidPattern, Mark, Sequence, Some, expand
from .shared_hosts import BUILD_ISSUERS, PUBLIC_MAIL, account_segments, is_registered

What = t.Literal["issuer", "subject"]
Tokens: t.TypeAlias = "tuple[str | Some, ...]"

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_LABEL = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?", re.ASCII)
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,}}|xn--[a-z0-9-]+)", re.ASCII)
_LOOSE_DOT = re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z0-9])")
_URL_IN_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WILDCARD_FIRST = "begins with a wildcard, so that anything may stand before the rest"
_BUILD = "https://github.com/anybody/x/.github/workflows/x.yml@refs/heads/x"
_BUILD_SCHEME = "https://"
_NOTHING_PINNED = "names neither the host of a URL nor the domain of an e-mail address"


class Weakness(t.NamedTuple):
    """Why a pattern lets in more than it seems to; `fatal` where that may be anybody."""

    fatal: bool
    reason: str


def weakness(pattern: str, what: What, issuer: str = "") -> Weakness | None:
    """The worst that can be said about `pattern`; None for a good one. Raises InvalidPattern.

    `issuer` is the pattern beside that of a subject: what it cannot issue need not be kept out.
    """
    judge = _Judge(pattern, what, issuer)
    found = [one for sequence in expand(pattern) for one in judge.way(_Way.of(sequence))]
    return min(found, key=lambda one: not one.fatal) if found else None


@dataclass(frozen=True)
class _Way:
    """One way through a pattern, letters in lower case. What an absent `$` admits is part of `tokens`."""

    begun: bool
    ended: bool
    tokens: Tokens

    @classmethod
    def of(cls, sequence: Sequence) -> _Way:
        begun, ended = sequence[:1] == (Mark.BEGIN,), sequence[-1:] == (Mark.END,)
        tokens = [one.casefold() if isinstance(one, str) else one for one in sequence if not isinstance(one, Mark)]
        return cls(begun, ended, tuple(tokens) if ended else (*tokens, Some(ANY, many=True)))

    @property
    def prefix(self) -> str:
        """The literal text before the first wildcard."""
        return _literals(self.tokens)

    @property
    def literal(self) -> bool:
        return all(_is_text(one) for one in self.tokens)

    @property
    def scheme(self) -> str:
        """`https://`; empty for what is no URL."""
        match = _SCHEME.match(self.prefix)
        return match[0] if match else ""

    def url(self) -> tuple[Tokens, Tokens | None]:
        """The host, and the path behind its slash; None where nothing separates the two."""
        rest = self.tokens[len(self.scheme) :]
        cut = rest.index("/") if "/" in rest else None
        return (rest, None) if cut is None else (rest[:cut], rest[cut + 1 :])


def _literals(tokens: Tokens) -> str:
    return "".join(map(str, itertools.takewhile(_is_text, tokens)))


def _is_text(one: str | Some) -> t.TypeGuard[str]:
    return isinstance(one, str)


@dataclass(frozen=True)
class _Name:
    """A host or domain: its text, with a bare dot between letters read as the dot that was meant.

    `text` is None where it has another wildcard. `loose` has the places of bare dots.
    """

    text: str | None
    loose: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokens: Tokens) -> _Name:
        text, loose = "", []
        for place, one in enumerate(tokens):
            if isinstance(one, str):
                text += one
            elif _is_bare_dot(tokens, place):
                loose.append(len(text))
                text += "."
            else:
                return cls(None)
        return cls(text, tuple(loose))

    @property
    def another_can_be_registered(self) -> bool:
        """Whether something else than a bare dot gives the name of somebody else: a.bXexample.com, not exampleXcom."""
        return any("." in (self.text or "")[place + 1 :] for place in self.loose)


def _is_bare_dot(tokens: Tokens, place: int) -> bool:
    one = tokens[place]
    beside = (*tokens[max(place - 1, 0) : place], *tokens[place + 1 : place + 2])
    between = len(beside) == 2 and all(isinstance(other, str) and other.isalnum() for other in beside)
    return isinstance(one, Some) and not one.many and one.may_be(".") and between


class _Judge:
    """What is to be said about the ways through one pattern."""

    def __init__(self, pattern: str, what: What, issuer: str) -> None:
        self._pattern = pattern
        self._what = what
        self._issuer = issuer

    def way(self, way: _Way) -> t.Iterator[Weakness]:
        if not any(_is_text(one) for one in way.tokens):
            yield Weakness(True, "matches everybody")
        elif not way.begun:
            yield self._anchor("does not begin with ^, so that anything may stand before it")
        elif not way.ended and not self._opens_a_path(way):
            yield self._anchor("does not end with $, so that anything may follow it")
        elif way.scheme:
            yield from self._url(way)
        elif not way.literal:
            yield from self._mail(way) if self._what == "subject" else self._no_host(way)

    def _anchor(self, reason: str) -> Weakness:
        return Weakness(True, f"{reason}: write '{anchored(self._pattern)}'")

    def _opens_a_path(self, way: _Way) -> bool:
        """`^https://github\\.com/org/` says the same as with `.*$` behind it."""
        fixed = [one for one in way.tokens if isinstance(one, str)]
        return self._what == "subject" and way.prefix.endswith("/") and len(fixed) == len(way.prefix)

    def _no_host(self, way: _Way) -> t.Iterator[Weakness]:
        name = _Name.of(way.tokens)
        if name.text and _DOMAIN.fullmatch(name.text):
            yield self._bare_dot("host", fatal=False)
        else:
            yield Weakness(True, "names no host" if way.prefix else _WILDCARD_FIRST)

    def _url(self, way: _Way) -> t.Iterator[Weakness]:
        host, path = way.url()
        name = _Name.of(host)
        if way.literal:
            return
        if name.text is None:
            yield Weakness(True, f"has a wildcard in the host: {way.prefix}… may be anybody's")
        elif not _HOST.fullmatch(name.text):
            yield Weakness(True, f"names no host: {way.prefix}…")
        else:
            if name.loose:
                yield self._bare_dot("host", fatal=any(account_segments(name.text[:at]) for at in name.loose))
            if path is not None:
                yield from self._path(f"{way.scheme}{name.text}/", name.text, path)

    def _path(self, before: str, host: str, path: Tokens) -> t.Iterator[Weakness]:
        segments, partial = _pinned(path)
        whole = all(_is_text(one) for one in path)
        shown = before + "".join(f"{one}/" for one in segments) + partial
        if len(segments) < account_segments(host) and not whole:
            why = "anybody can have such a name" if partial else f"anybody can have an account on {host}"
            yield Weakness(True, f"accepts all that begins with {shown}, and {why}: name the owner, and end it with /")
        elif self._what == "issuer" or whole:
            return
        elif partial and len(segments) < 2:
            yield Weakness(False, f"also accepts names that merely begin like this: {shown}-other/…")
        elif not segments and before.startswith("http"):
            yield Weakness(False, f"accepts everybody on {host}: name the owner, if not all of them may sign")

    def _mail(self, way: _Way) -> t.Iterator[Weakness]:
        if "@" not in way.tokens:
            yield Weakness(True, _NOTHING_PINNED if way.prefix else _WILDCARD_FIRST)
            return
        at = len(way.tokens) - 1 - way.tokens[::-1].index("@")
        local, domain = way.tokens[:at], way.tokens[at + 1 :]
        name = _Name.of(_below_a_wildcard(domain))
        if name.text is None:
            yield Weakness(True, "has a wildcard in the domain of the address, which may be anybody's")
        elif not _DOMAIN.fullmatch(name.text) or not is_registered(name.text):
            reason = f"'@{name.text}' is no domain of an e-mail address"
            yield Weakness(True, f"{_NOTHING_PINNED}: {reason}" if way.prefix else f"{_WILDCARD_FIRST}: {reason}")
        else:
            yield from self._address(local, name, name.text)

    def _address(self, local: Tokens, name: _Name, domain: str) -> t.Iterator[Weakness]:
        wildcards = [one for one in local if isinstance(one, Some)]
        if wildcards and domain in PUBLIC_MAIL:
            yield Weakness(True, f"accepts more than one address, and anybody can have one at {domain}: name it whole")
        if _may_be_build(local):
            yield Weakness(
                _may_be_builds(self._issuer),
                f"also accepts {_BUILD}@{domain}, a branch that anybody can make: write [^@/]+ for what stands before"
                " the @",
            )
        if name.loose:
            yield self._bare_dot("domain", fatal=name.another_can_be_registered or domain in PUBLIC_MAIL)

    def _bare_dot(self, where: str, *, fatal: bool) -> Weakness:
        reason = f"has a dot that matches any character in its {where}: write '{_escaped(self._pattern)}'"
        return Weakness(fatal, reason)


def _pinned(path: Tokens) -> tuple[list[str], str]:
    """The segments that `path` begins with as literal text, and what of the next one is literal."""
    segments: list[str] = []
    rest = path
    while True:
        end = rest.index("/") if "/" in rest else len(rest)
        segment = rest[:end]
        text = _literals(segment)
        if not all(_is_text(one) for one in segment) or text in ("", ".", ".."):
            return segments, text.strip(".")
        segments.append(text)
        if end == len(rest):
            return segments, ""
        rest = rest[end + 1 :]


def _below_a_wildcard(domain: Tokens) -> Tokens:
    """`domain` without what stands for any of its subdomains; as it is where that may be more than a subdomain."""
    for place, one in enumerate(domain):
        if isinstance(one, str):
            below = domain[place + 1 :]
            return below if place and one == "." and "." in below else domain
        if one.may_be("/") or one.may_be("@"):
            return domain
    return domain


def _may_be_build(local: Tokens) -> bool:
    """Whether `local` also takes the address of a build, such as `https://github.com/anybody/x…@refs/heads/x`."""
    if not any(one == "@" if isinstance(one, str) else one.may_be("@") for one in local):
        return False
    reached = {0}  # of the scheme, by what of `local` was looked at
    for one in local:
        if isinstance(one, Some) and one.many:
            for place in range(len(_BUILD_SCHEME)):
                if place in reached and _fits(one, place):
                    reached.add(place + 1)
        else:
            reached = {place + 1 for place in reached if place < len(_BUILD_SCHEME) and _fits(one, place)}
        if len(_BUILD_SCHEME) in reached:
            return True
    return False


def _fits(one: str | Some, place: int) -> bool:
    wanted = _BUILD_SCHEME[place]
    return one == wanted if isinstance(one, str) else wanted.isalpha() or one.may_be(wanted)


def _may_be_builds(issuer: str) -> bool:
    """Whether `issuer` may be one whose subjects are builds; also where nothing is known of it."""
    try:
        hosts = [_Name.of(way.url()[0]).text for way in map(_Way.of, expand(issuer))]
    except InvalidPattern:
        return True
    return any(host is None or host in BUILD_ISSUERS for host in hosts)


def anchored(pattern: str) -> str:
    """`pattern` with an anchor at both ends, and the dots of its host taken literally."""
    inner = _escaped(pattern.removeprefix("^").removesuffix("$"))
    inner = f"(?:{inner})" if "|" in inner else inner
    return f"^{inner}{'.*' if inner.endswith('/') else ''}$"


def _escaped(pattern: str) -> str:
    scheme = _URL_IN_PATTERN.search(pattern)
    start = scheme.end() if scheme else pattern.rfind("@") + 1
    host, slash, path = pattern[start:].partition("/")
    return pattern[:start] + _LOOSE_DOT.sub(r"\\.", host) + slash + path
