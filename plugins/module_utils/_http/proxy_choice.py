# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy an exchange goes through, if any: the one reading of proxies and NO_PROXY for all clients.

Names of variables and precedence are curl's (the lower-case name first, ALL_PROXY last); NO_PROXY is read as Go's
httpproxy does, and as curl and Python do where that is wider. Nothing is looked up.
"""

from __future__ import annotations

import ipaddress
import os
import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import unquote

from .._shared.addresses import address_of, host_of
from .._shared.errors import InvalidOption

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.scrub import Scrubber
    from .urls import Origin

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?/?\Z", re.ASCII)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Proxy:
    """A proxy's address, and the name and password that it wants."""

    url: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, option: str, scrubber: Scrubber) -> Proxy:
        """`[http[s]://][user:password@]host[:port]`; InvalidOption names `option`, and shows nothing of the text.

        What stands before the last @ is the login, whatever it holds: it is known as a secret before anything can fail.
        """
        scheme, separator, rest = text.strip().partition("://")
        if not separator:
            scheme, rest = "http", text.strip()
        userinfo, at, address = rest.rpartition("@")
        login = _login(userinfo, scrubber) if at else None
        if scheme.lower() not in _PORTS:
            kind = scheme.lower() if re.fullmatch(r"[A-Za-z0-9.+-]{1,10}", scheme) else "other"
            raise InvalidOption(option, f"only http and https proxies are supported, no {kind} proxy")
        found = _ADDRESS.match(address)
        port = int(found["port"] or _PORTS[scheme.lower()]) if found else 0
        if found is None or not 0 < port < 65536:
            raise InvalidOption(option, "a proxy is http://[user:password@]host[:port], with a port up to 65535")
        return cls(f"{scheme.lower()}://{found['host'].lower()}:{port}", login)


def _login(userinfo: str, scrubber: Scrubber) -> tuple[str, str]:
    username, _colon, password = userinfo.partition(":")
    scrubber.add(password)  # as it is written, and as it is meant
    scrubber.add_login(unquote(username), unquote(password))
    return unquote(username), unquote(password)


def login_of(text: str, scrubber: Scrubber) -> None:
    """Make the login in a proxy's URL known as a secret, and say nothing about the rest."""
    userinfo, at, _address = text.partition("://")[2].rpartition("@") if "://" in text else text.rpartition("@")
    if at:
        _login(userinfo, scrubber)


def of_environment(origin: Origin, scrubber: Scrubber) -> Proxy | None:
    """The proxy that the environment names for `origin`; never one for this machine, as in Go."""
    if origin.loopback:
        return None
    for name in (f"{origin.scheme}_proxy", "all_proxy"):
        variable, text = _variable(name)
        if text:
            _excepted, exceptions = _variable("no_proxy")
            return None if is_excepted(origin, exceptions) else Proxy.parse(text, variable, scrubber)
    return None


def _variable(name: str) -> tuple[str, str]:
    """Name and value: the lower-case variable decides where it is set, also to nothing."""
    # To a CGI program HTTP_PROXY is a header that its client sent.
    upper = "" if name == "http_proxy" and "REQUEST_METHOD" in os.environ else name.upper()
    for variable in (name, upper):
        if variable in os.environ:
            return variable, os.environ[variable].strip()
    return name, ""


def is_excepted(origin: Origin, exceptions: str) -> bool:
    """Whether NO_PROXY, by any of its entries, says that `origin` is asked directly."""
    return any(_matches(origin, entry) for entry in re.split(r"[,\s]+", exceptions.lower()) if entry)


def _matches(origin: Origin, entry: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(origin, entry)
    host, port = _split(entry)
    if port and port != str(origin.port):
        return False
    if (address := address_of(host)) is not None:
        return address == origin.address
    name = host_of(origin.host)
    if host.startswith("*."):
        return name.endswith(host[1:])
    bare = host.lstrip(".")
    return bool(bare) and (name == bare or name.endswith(f".{bare}"))


def _split(entry: str) -> tuple[str, str]:
    """Host and port of an entry; an IPv6 address may stand there without brackets."""
    if entry.startswith("["):
        host, _bracket, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _colon, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    return host.removesuffix("."), port


def _in_network(origin: Origin, entry: str) -> bool:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return origin.address is not None and origin.address in network
