# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections: TLS, proxies of the environment, and pools that keep them alive."""

from __future__ import annotations

import functools
import http.client
import os
import ssl
import threading
import typing as t
from email.errors import FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect
from ipaddress import ip_network
from urllib.parse import unquote, urlsplit, urlunsplit

from ansible_collections.proven.gitops.plugins.module_utils._errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._registry.deadline import bind_tls, bounded
from ansible_collections.proven.gitops.plugins.module_utils._requirements import third_party

with third_party():
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.util.ssl_ import create_urllib3_context

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.proven.gitops.plugins.module_utils._registry.scrub import Scrubber
    from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
    from ansible_collections.proven.gitops.plugins.module_utils._registry.urls import Origin

_DEFECTS = (MissingHeaderBodySeparatorDefect, FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect)
_BLOCK = 128 * 1024  # bytes read from a file and written to the socket at a time


class Pools:
    """A pool of direct connections for each origin, and a manager for each proxy; thread-safe."""

    def __init__(self, settings: ConnectionSettings, scrubber: Scrubber) -> None:
        self._settings = settings
        self._scrubber = scrubber
        self._direct: dict[Origin, urllib3.HTTPConnectionPool] = {}
        self._managers: dict[str, urllib3.ProxyManager] = {}
        self._proxies: dict[Origin, str] = {}
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def request(self, origin: Origin, method: str, url: str, **options: t.Any) -> urllib3.BaseHTTPResponse:
        """Send one request for a URL of `origin`; `options` are those of urllib3's `request`."""
        direct = self._direct.get(origin)
        if direct is None:
            proxy = self._proxy(origin)
            if proxy:
                return self._manager(origin, proxy).request(method, url, **options)
            direct = self._pool(origin)
        # A pool takes the path alone, and spares us to parse the URL once more.
        parts = urlsplit(url)
        return direct.request(method, urlunsplit(("", "", parts.path or "/", parts.query, "")), **options)

    def _proxy(self, origin: Origin) -> str:
        """What the environment says does not change while a task runs."""
        if origin not in self._proxies:
            self._proxies[origin] = proxy_of(origin)
        return self._proxies[origin]

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or make_tls(self._settings)
        return self._tls

    @property
    def _options(self) -> dict[str, t.Any]:
        return {"maxsize": max(1, self._settings.concurrency), "blocksize": _BLOCK}

    def _pool(self, origin: Origin) -> urllib3.HTTPConnectionPool:
        with self._lock:
            if origin not in self._direct:
                tls: dict[str, t.Any] = {"ssl_context": self._context()} if origin.scheme == "https" else {}
                pool = _pool_classes()[origin.scheme]
                self._direct[origin] = pool(origin.host, origin.port, **tls, **self._options)
            return self._direct[origin]

    def _manager(self, origin: Origin, proxy: str) -> urllib3.ProxyManager:
        with self._lock:
            if origin.scheme == "https" or proxy.startswith("https:"):
                self._context()
            # A manager made before TLS was needed has no context.
            key = f"{proxy} {self._tls is not None}"
            if key not in self._managers:
                address, login = _split_login(proxy)
                headers = {"proxy-authorization": self._scrubber.add_login(*login)} if login else None
                tls: dict[str, t.Any] = {"ssl_context": self._tls, "proxy_ssl_context": self._tls}
                manager = urllib3.ProxyManager(address, proxy_headers=headers, num_pools=8, **tls, **self._options)
                manager.pool_classes_by_scheme = dict(_pool_classes())
                self._managers[key] = manager
            return self._managers[key]


def proxy_of(origin: Origin) -> str:
    """The proxy that the environment names for `origin`, or an empty string; never one for this machine, as in Go."""
    if origin.loopback:
        return ""
    from urllib.request import getproxies, proxy_bypass  # not before it is needed: it takes 20 ms to import

    proxy = getproxies().get(origin.scheme, "")
    if (
        not proxy
        or proxy_bypass(f"{origin.host}:{origin.port}")
        or _in_excepted_network(origin, getproxies().get("no", ""))
    ):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise InvalidOption(f"{origin.scheme}_proxy", "only http and https proxies are supported")
    return proxy


def _in_excepted_network(origin: Origin, excepted: str) -> bool:
    """Whether NO_PROXY holds a network of the address, as Go reads it and Python does not."""
    for entry in excepted.split(","):
        try:
            if (
                origin.address is not None
                and "/" in entry
                and origin.address in ip_network(entry.strip(), strict=False)
            ):
                return True
        except ValueError:
            continue
    return False


def _split_login(proxy: str) -> tuple[str, tuple[str, str] | None]:
    """The proxy's address without its login, and the login."""
    parts = urlsplit(proxy)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return proxy, None
    username, _separator, password = login.partition(":")
    return urlunsplit((parts.scheme, host, parts.path, "", "")), (unquote(username), unquote(password))


def make_tls(settings: ConnectionSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, the system's certificates and those of `ca_path`; InvalidOption for a file that is none."""
    context = create_urllib3_context(ssl_minimum_version=ssl.TLSVersion.TLSv1_2)
    context.load_default_certs()
    bind_tls(context)
    if settings.ca_path:
        is_folder = os.path.isdir(settings.ca_path)
        try:
            context.load_verify_locations(**{"capath" if is_folder else "cafile": settings.ca_path})
        except (OSError, ValueError) as error:
            raise InvalidOption("ca_path", f"{settings.ca_path}: {_reason(error)}") from None
    if settings.client_cert:
        try:
            # Without a password of its own OpenSSL would ask on the terminal.
            context.load_cert_chain(settings.client_cert, settings.client_key, password=lambda: "")
        except (OSError, ValueError) as error:
            where = (
                settings.client_cert if not settings.client_key else f"{settings.client_cert}, {settings.client_key}"
            )
            raise InvalidOption("client_cert", f"{where}: {_reason(error)}") from None
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not a usable PEM file ({(error.reason or 'no certificate in it').replace('_', ' ').lower()})"
    return (error.strerror if isinstance(error, OSError) else None) or "not usable"


class _Lines:
    """The lines of an answer's head, each of them whole."""

    def __init__(self, source: t.Any) -> None:
        self._source = source
        self._begun = False

    def readline(self, limit: int = -1, /) -> bytes:
        line: bytes = self._source.readline(limit)
        # What does not begin as an answer, and a line that is too long, are Python's to refuse.
        answer = self._begun or line.startswith(b"HTTP/")
        if answer and not line.endswith(b"\n") and len(line) != limit:
            raise http.client.IncompleteRead(line)
        self._begun = True
        return line

    def close(self) -> None:
        self._source.close()


class _WholeHead(http.client.HTTPResponse):
    """An answer whose head has an end, and can be read up to there.

    Python takes the end of the connection for the end of the head, and drops what follows a line that is no header:
    then a broken connection could say "404", or hide what kind of answer it is. Go refuses both.
    """

    def begin(self) -> None:
        through = t.cast("t.Any", self.fp)
        self.fp = t.cast("t.Any", _Lines(through))
        try:
            super().begin()
        finally:
            if t.cast("t.Any", self.fp) is not None:  # else Python has closed it
                self.fp = through
        if any(isinstance(defect, _DEFECTS) for defect in self.msg.defects):
            raise http.client.HTTPException("a line of the head is no header")


@functools.cache
def _pool_classes() -> dict[str, type[urllib3.HTTPConnectionPool]]:
    # In a function: where urllib3 is missing, this file must still import.
    class Connection(HTTPConnection):
        response_class = _WholeHead

        def connect(self) -> None:
            super().connect()
            self.sock = bounded(self.sock)

    class TlsConnection(HTTPSConnection):
        response_class = _WholeHead

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": Pool, "https": TlsPool}
