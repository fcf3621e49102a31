# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to each origin: a direct connection, or the proxy that the environment names."""

from __future__ import annotations

import threading
import typing as t
from urllib.parse import urlsplit

from .connections import Connections
from .proxies import Proxies, proxy_of
from .tls import make_tls

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

    from .._shared.scrub import Scrubber
    from .connections import Wire
    from .settings import ConnectionSettings
    from .urls import Origin


class Pools:
    """Connections to any origin, kept alive; thread-safe."""

    def __init__(self, settings: ConnectionSettings, scrubber: Scrubber) -> None:
        self._settings = settings
        self._keep = max(1, settings.concurrency)
        self._direct: dict[Origin, Connections] = {}
        self._proxies = Proxies(self._tls, self._keep, scrubber)
        self._named: dict[Origin, str] = {}
        self._made: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def ask(
        self, origin: Origin, method: str, url: str, body: t.Any, headers: t.Mapping[str, str], wait: float
    ) -> Wire:
        """Send one request for a URL of `origin`, and read the head of its answer; `wait` seconds for connecting.

        Raises NotConnected, ProxyFailed, OSError (TLS and time among it), and http.client's exceptions.
        """
        direct = self._direct.get(origin)
        if direct is None:
            proxy = self._proxy(origin)
            if proxy:
                return self._proxies.ask(proxy, method, url, body, headers, wait)
            direct = self._connections(origin)
        return direct.ask(method, _target(url), body, headers, wait)

    def _proxy(self, origin: Origin) -> str:
        """What the environment says does not change while a task runs."""
        if origin not in self._named:
            self._named[origin] = proxy_of(origin)
        return self._named[origin]

    def _tls(self) -> ssl.SSLContext:
        self._made = self._made or make_tls(self._settings)
        return self._made

    def _connections(self, origin: Origin) -> Connections:
        with self._lock:
            if origin not in self._direct:
                tls = self._tls() if origin.scheme == "https" else None
                self._direct[origin] = Connections(origin, tls, self._keep)
            return self._direct[origin]


def _target(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path
