# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to each origin: a direct connection, or a proxy; and what may be asked where a connection has led."""

from __future__ import annotations

import threading
import typing as t
from urllib.parse import urlsplit

from .._shared.addresses import is_private_to_host
from .connections import Connections
from .errors import BadAnswer
from .proxies import Proxies
from .proxy_choice import Proxy, of_environment
from .tls import make_tls

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

    from .._shared.addresses import Address
    from .._shared.scrub import Scrubber
    from .connections import Wire
    from .settings import HttpSettings
    from .urls import Origin


class Pools:
    """Connections to any origin, kept alive; thread-safe."""

    def __init__(self, settings: HttpSettings, scrubber: Scrubber) -> None:
        self._settings = settings
        self._scrubber = scrubber
        self._direct: dict[Origin, Connections] = {}
        self._proxies = Proxies(self._tls, settings, scrubber)
        self._named: dict[Origin, Proxy | None] = {}
        self._made: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def ask(
        self,
        origin: Origin,
        method: str,
        url: str,
        body: t.Any,
        headers: t.Mapping[str, str],
        wait: float,
        home: Origin | None = None,
    ) -> Wire:
        """Send one request for a URL of `origin`, and read the head of its answer; `wait` seconds for connecting.

        `home` is who sent us to `origin`, where that is not the user. Raises BadAnswer for an address that it may not
        send us to; NotConnected, ProxyFailed, ProxyRefused, OSError (TLS and time among it), http.client's exceptions.
        """
        direct = self._direct.get(origin)
        if direct is None:
            proxy = self._proxy(origin)
            if proxy is not None:
                return self._proxies.ask(proxy, method, url, body, headers, wait)
            direct = self._connections(origin)
        check = None
        if (home is not None and home != origin) or (origin.scheme == "http" and origin.loopback):

            def check(address: Address) -> None:
                self._judge(origin, home, address)

        return direct.ask(method, _target(url), body, headers, wait, check)

    def _judge(self, origin: Origin, home: Origin | None, address: Address) -> None:
        """The last word on an address: what was connected to, whatever the name said."""
        what = f"{self._settings.kind} {(home or origin).host}"
        if origin.loopback and origin.scheme == "http" and not self._settings.insecure and not address.is_loopback:
            raise BadAnswer(f"{what}: {origin.host} is not this machine, but {address}; plain HTTP is not spoken there")
        if home is None or home == origin or not is_private_to_host(address):
            return
        known = self._direct.get(home)
        same = home.address if known is None else known.peer
        if not (home.loopback or (same is not None and is_private_to_host(same))):
            raise BadAnswer(f"{what}: it leads to {origin.host}, which is {address}: refused")

    def _proxy(self, origin: Origin) -> Proxy | None:
        """What the environment says does not change while a task runs."""
        if origin not in self._named:
            given = self._settings.proxy
            self._named[origin] = (
                of_environment(origin, self._scrubber)
                if given is None
                else Proxy.parse(given, self._settings.proxy_option, self._scrubber)
            )
        return self._named[origin]

    def _tls(self) -> ssl.SSLContext:
        self._made = self._made or make_tls(self._settings)
        return self._made

    def _connections(self, origin: Origin) -> Connections:
        with self._lock:
            if origin not in self._direct:
                tls = self._tls() if origin.scheme == "https" else None
                keep = max(1, self._settings.concurrency)
                self._direct[origin] = Connections(origin, tls, keep, self._settings.server_name)
            return self._direct[origin]


def _target(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path
