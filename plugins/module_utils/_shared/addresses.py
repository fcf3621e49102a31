# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as they are meant: which IP address a text is, whether it is this machine. Nothing is looked up."""

from __future__ import annotations

import functools
import ipaddress
import re
import typing as t

Address: t.TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9A-Fa-f]*)\Z", re.ASCII)
# IPv6 networks whose last 32 bits are an IPv4 address: compatible, mapped (RFC 4291), translated (2765), NAT64 (6052).
_WRAPPING = ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
_AROUND_V4 = tuple(ipaddress.IPv6Network(text) for text in _WRAPPING)
# What clouds answer their machines with secrets at, beside 169.254.0.0/16: Alibaba's (a shared address), AWS's.
_METADATA = tuple(ipaddress.ip_network(text) for text in ("100.64.0.0/10", "fd00:ec2::/32"))
_PRIVATE = tuple(ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918


def host_of(text: str) -> str:
    """The host of `host[:port]` in lower case, without brackets and without the dot that may end a name."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.lower().removesuffix(".")


@functools.lru_cache(maxsize=256)
def address_of(host: str) -> Address | None:
    """The IP address that `host[:port]` is written as; None for a name. One of IPv4 inside IPv6 counts as itself."""
    try:
        return unwrapped(ipaddress.ip_address(host_of(host)))
    except ValueError:
        return None


def is_address(text: str) -> bool:
    """Whether a text, without port and brackets, is an IP address and no name."""
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_private_v4(text: str) -> bool:
    """Whether a text, without port, is an address of RFC 1918."""
    return is_address(text) and any(ipaddress.ip_address(text) in network for network in _PRIVATE)


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for: mapped, compatible, translated, NAT64 or 6to4."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if int(address) > 1 and any(address in network for network in _AROUND_V4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address


def is_ambiguous(host: str) -> bool:
    """Whether a host ends in a number and is no address: to the system `127.1`, `0x7f000001` or `2130706433` is one."""
    return bool(_NUMBER.match(host_of(host).rpartition(".")[2])) and address_of(host) is None


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine by its very name, so that nothing can listen in between.

    RFC 6761 says so of `localhost` and all names below it. A loopback address inside NAT64 or 6to4 is none: it may be
    carried over the network.
    """
    name = host_of(host)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    # Python before 3.13 does not see that ::ffff:127.0.0.1 is this machine, too.
    return bool((getattr(address, "ipv4_mapped", None) or address).is_loopback)


def is_private_to_host(address: Address) -> bool:
    """Whether only this machine or its cloud answers there: no peer elsewhere has a reason to send us to it."""
    special = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
    return special or any(address in network for network in _METADATA if network.version == address.version)
