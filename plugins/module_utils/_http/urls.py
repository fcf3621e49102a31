# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that a peer gives us (redirects, upload locations, next pages), checked before they are used."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from .._shared.addresses import address_of, is_ambiguous, is_loopback, is_private_to_host
from .errors import BadAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.addresses import Address

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
_HOST = re.compile(r"[A-Za-z0-9._-]+\Z|[0-9A-Fa-f:.]+\Z")
_LENGTH = 8192
# One link of a Link header: the address, which may hold commas, and its parameters. Nothing is matched twice.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_ONE = rf'\s*+;\s*+(?:{_WORD}\s*+(?:=\s*+(?:"[^"]*+"|[^\s",;]*+))?+)?+'
_LINK = re.compile(rf"[\s,]*+<(?P<address>[^<>]*+)>(?P<parameters>(?:{_ONE})*+)\s*+(?=,|\Z)")
_PARAMETER = re.compile(rf';\s*+(?P<name>{_WORD})\s*+(?:=\s*+(?:"(?P<quoted>[^"]*+)"|(?P<plain>[^\s",;]*+)))?+')


@dataclass(frozen=True)
class Origin:
    """What credentials belong to: scheme, host and port, all three (distribution-spec: they must not go elsewhere)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str, what: str) -> Origin:
        """The origin of an absolute http or https URL; BadAnswer names `what` otherwise, and never shows the query."""
        if len(url) > _LENGTH or not _PRINTABLE.match(url):
            raise BadAnswer(f"{what}: not an URL")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise BadAnswer(f"{what}: not an URL") from None
        host = (parts.hostname or "").lower()
        if parts.scheme not in _PORTS or not _HOST.match(host):
            raise BadAnswer(f"{what}: not an http or https URL with a host")
        if is_ambiguous(host):
            raise BadAnswer(f"{what}: {host} is neither a name nor an address of four numbers")
        if "@" in parts.netloc or "\\" in url:
            raise BadAnswer(f"{what}: an URL with a user name or a backslash in it")
        return cls(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def address(self) -> Address | None:
        """The IP address where the host is written as one; an IPv4 address inside an IPv6 one counts as itself."""
        return address_of(self.host)

    @property
    def loopback(self) -> bool:
        """Whether this is our own machine by its very name."""
        return is_loopback(self.host)


def join(base: str, location: str | None, what: str) -> str:
    """The absolute URL of a `Location` header in the answer from `base`; without a fragment."""
    if not location:
        raise BadAnswer(f"{what}: the Location header is missing")
    # Text after a hash is for browsers; a tab or newline would be dropped silently by urlsplit.
    if len(location) > _LENGTH or not _PRINTABLE.match(location):
        raise BadAnswer(f"{what}: the Location header is not an URL")
    try:
        url = urljoin(base, location).partition("#")[0]
    except ValueError:
        raise BadAnswer(f"{what}: the Location header is not an URL") from None
    Origin.of(url, f"{what}: Location")
    return url


def check_hop(home: Origin, before: Origin, target: Origin, what: str) -> None:
    """BadAnswer unless an answer of `before` may send us to `target`; `home` is the registry that the user named.

    Never from https to http, and never to this machine or a link-local address (cloud metadata) from elsewhere. An
    address that a name resolves to is not looked at: peers declare that out of scope as well.
    """
    if before.scheme == "https" and target.scheme == "http":
        raise BadAnswer(f"{what}: it leads from https to plain http ({target.host}), which is refused")
    if target in (home, before):
        return
    address = target.address
    if target.loopback and not home.loopback:
        raise BadAnswer(f"{what}: it leads to this machine ({target.host}), which is refused")
    if address is not None and not target.loopback and is_private_to_host(address):
        raise BadAnswer(f"{what}: it leads to the address {target.host}, which is refused")


def next_page(base: str, links: t.Sequence[str], what: str) -> str | None:
    """The URL of `Link: <…>; rel="next"` (RFC 8288), on the origin of `base` only; None on the last page.

    BadAnswer for a header that cannot be read: taking the first page for all would hide what is on the next.
    """
    text = ",".join(links)
    if len(text) > _LENGTH:
        raise BadAnswer(f"{what}: the Link header is longer than {_LENGTH} characters")
    position = 0
    while rest := text[position:].strip(" \t,"):
        match = _LINK.match(text, position)
        if match is None:
            raise BadAnswer(
                f"{what}: the Link header to the next page cannot be read: {rest[:1]!r} is no address in <>"
            )
        position = match.end()
        if any("next" in _relations(found) for found in _PARAMETER.finditer(match["parameters"])):
            url = join(base, match["address"], what)
            if Origin.of(url, what) != Origin.of(base, what):
                raise BadAnswer(f"{what}: the next page is on another host")
            return url
    return None


def _relations(parameter: re.Match[str]) -> list[str]:
    value = parameter["quoted"] if parameter["quoted"] is not None else parameter["plain"] or ""
    return value.lower().split() if parameter["name"].lower() == "rel" else []
