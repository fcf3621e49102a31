# SPDX-License-Identifier: GPL-3.0-or-later
"""`WWW-Authenticate`, taken apart (RFC 9110, 11.6.1): challenges may share a header, and headers an answer.

And whether the realm of one may get our credentials.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._http.errors import BadAnswer
from .._http.urls import Origin

_LENGTH = 8192
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?=\s|,|\Z)")
_PARAMETER = re.compile(rf'[\s,]*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))(?=\s*(?:,|\Z))')
_TOKEN68 = re.compile(r"\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|\Z))")


@dataclass(frozen=True)
class Challenge:
    """One way in that is offered: the scheme in lower case, its parameters with names in lower case."""

    scheme: str
    parameters: t.Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """A parameter's value, or an empty string."""
        return self.parameters.get(name, "")


def parse(headers: t.Iterable[str]) -> list[Challenge]:
    """The challenges in order. What does not parse ends the reading of its header; what was read before it counts."""
    return [challenge for header in headers for challenge in _parse_one(header[:_LENGTH])]


def _parse_one(text: str) -> t.Iterator[Challenge]:
    position = 0
    while match := _SCHEME.match(text, position):
        scheme, position = match.group(1).lower(), match.end()
        parameters: dict[str, str] = {}
        while found := _PARAMETER.match(text, position):
            name, quoted, plain = found.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault(name.lower(), value)
            position = found.end()
        if not parameters and (opaque := _TOKEN68.match(text, position)):
            position = opaque.end()
        yield Challenge(scheme, parameters)


def choose(challenges: t.Sequence[Challenge]) -> Challenge | None:
    """The one to answer: Bearer with a realm, else Basic, else none of them."""
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.get("realm"):
            return challenge
    return next((challenge for challenge in challenges if challenge.scheme == "basic"), None)


def check_realm(home: Origin, realm: str, *, plain_http: bool) -> Origin:
    """The origin of a token server, if the registry `home` may send our credentials there; BadAnswer otherwise.

    The rule is go-containerregistry's (bearer.go, validateRealmURL; CVE-2026-48978 is oras-go without it): the registry
    itself is always right; elsewhere only https, unless the user asked for plain HTTP, and never a literal address that
    is private, loopback or link-local. One case more: a registry on this machine may name another port of it.
    """
    what = f"registry {home.host}: the realm of its challenge"
    target = Origin.of(realm, what)
    if target == home or (home.loopback and target.host == home.host and home.scheme == target.scheme):
        return target
    if target.scheme != "https" and not plain_http:
        raise BadAnswer(f"{what} is plain http on {target.host}; credentials are not sent there")
    address = target.address
    if target.loopback or (address is not None and not address.is_global):
        raise BadAnswer(f"{what} is {target.host}, a private or local address; credentials are not sent there")
    return target
