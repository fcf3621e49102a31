# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that a registry gives us (redirects, upload locations, token realms), checked before they are used."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from .._oci.reference import is_loopback
from .errors import BadAnswer

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
_HOST = re.compile(r"[A-Za-z0-9._-]+\Z|[0-9A-Fa-f:.]+\Z")
_LENGTH = 8192


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
        if "@" in parts.netloc or "\\" in url:
            raise BadAnswer(f"{what}: an URL with a user name or a backslash in it")
        return cls(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The IP address where the host is written as one; an IPv4 address inside an IPv6 one counts as itself."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return None
        return getattr(address, "ipv4_mapped", None) or address

    @property
    def loopback(self) -> bool:
        """Whether this is our own machine by its very name."""
        return (
            is_loopback(self.host)
            or self.host.endswith(".localhost")
            or bool(self.address and self.address.is_loopback)
        )


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
    if address is not None and (address.is_link_local or address.is_unspecified or address.is_multicast):
        raise BadAnswer(f"{what}: it leads to the address {target.host}, which is refused")
    if target.loopback and not home.loopback:
        raise BadAnswer(f"{what}: it leads to this machine ({target.host}), which is refused")


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


def next_page(base: str, links: t.Iterable[str], what: str) -> str | None:
    """The URL of `Link: <…>; rel="next"` (RFC 8288), on the origin of `base` only; None on the last page."""
    for match in re.finditer(r"<([^<>]*)>([^<]*)", ",".join(links)[:_LENGTH]):  # an address may hold commas
        if re.search(r';\s*rel\s*=\s*"?next"?\s*(?:[;,]|\Z)', match.group(2), re.IGNORECASE):
            url = join(base, match.group(1), what)
            if Origin.of(url, what) != Origin.of(base, what):
                raise BadAnswer(f"{what}: the next page is on another host")
            return url
    return None
