# SPDX-License-Identifier: GPL-3.0-or-later
"""By which names a registry may be asked.

A page in a browser can give a name of its own the address of this machine (DNS rebinding), and then speak to a registry
that asks nobody for a login. It cannot choose what stands in `Host` and `Origin`: names of its own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import typing as t
import urllib.parse

from .message import ApiError

AUTHORITY = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")


class Names:
    """The names that count as ours, beside addresses, `localhost` and names without a dot; None: any."""

    def __init__(self, names: t.Iterable[str] | None) -> None:
        self._names = None if names is None else {name.lower() for name in (*names, socket.gethostname())}

    def check(self, host: str, origin: str | None) -> None:
        """ApiError for a request that a page of another place has sent, or that came by a name of somebody else."""
        if origin is not None and urllib.parse.urlsplit(origin).netloc.lower() != host.lower():
            raise _refused("it comes from a page of another place (Origin)")
        if not self._are_ours(host):
            raise _refused("it was asked by a name that is not its own (Host): see the option names of oci_registry")

    def _are_ours(self, host: str) -> bool:
        match = AUTHORITY.fullmatch(host)
        if self._names is None:
            return True
        name = match["name"].lower().removesuffix(".") if match else ""
        # No name without a dot is anybody's to register: containers and nodes of kind know each other by such.
        alone = bool(name) and "." not in name
        return alone or name in self._names or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _refused(reason: str) -> ApiError:
    return ApiError("DENIED", f"this registry does not answer: {reason}")
