# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies of the environment, by urllib3: nothing else in reach speaks TLS through a proxy that is asked by TLS.

It is imported when there is such a proxy, and not before: that takes 40 ms.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import threading
import typing as t
from ipaddress import ip_network
from urllib.parse import unquote, urlsplit, urlunsplit

from .._shared.errors import InvalidOption, root_cause
from .connections import BLOCK
from .deadline import bounded
from .failures import NotConnected, ProxyFailed
from .head import Headers, StrictAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

    import urllib3

    from .._shared.scrub import Scrubber
    from .urls import Origin


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


class Proxies:
    """The managers of connections through each proxy; thread-safe."""

    def __init__(self, tls: t.Callable[[], ssl.SSLContext], keep: int, scrubber: Scrubber) -> None:
        self._tls = tls
        self._keep = keep
        self._scrubber = scrubber
        self._managers: dict[str, urllib3.ProxyManager] = {}
        self._lock = threading.Lock()

    def ask(self, proxy: str, method: str, url: str, body: t.Any, headers: t.Mapping[str, str], wait: float) -> _Answer:
        """Send one request through `proxy` and read the head of its answer; errors as those of Connections.ask."""
        manager = self._manager(proxy, secure=url.startswith("https:") or proxy.startswith("https:"))
        with _plain_errors():
            raw = manager.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=wait,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        return _Answer(raw)

    def _manager(self, proxy: str, *, secure: bool) -> urllib3.ProxyManager:
        # One that was made before TLS was needed has no context.
        key = f"{proxy} {secure}"
        with self._lock:
            if key not in self._managers:
                self._managers[key] = self._made(proxy, self._tls() if secure else None)
            return self._managers[key]

    def _made(self, proxy: str, tls: ssl.SSLContext | None) -> urllib3.ProxyManager:
        import urllib3

        address, login = _split_login(proxy)
        headers = {"proxy-authorization": self._scrubber.add_login(*login)} if login else None
        manager = urllib3.ProxyManager(
            address,
            proxy_headers=headers,
            num_pools=8,
            ssl_context=tls,
            proxy_ssl_context=tls,
            maxsize=self._keep,
            blocksize=BLOCK,
        )
        manager.pool_classes_by_scheme = _pool_classes()
        return manager


class _Answer:
    """See connections.Wire."""

    def __init__(self, raw: urllib3.BaseHTTPResponse) -> None:
        self.status = raw.status
        self.headers = Headers(raw.headers.items())
        self._raw = raw

    def read1(self, size: int) -> bytes:
        with _plain_errors():
            return self._raw.read1(size, decode_content=False) or b""

    def close(self) -> None:
        if self._raw.length_remaining == 0:
            self._raw.drain_conn()  # nothing is left, but http.client wants to be asked
            self._raw.release_conn()
        else:
            self._raw.close()


@contextlib.contextmanager
def _plain_errors() -> t.Iterator[None]:
    """urllib3's errors as those that it wraps, or as what they say."""
    from urllib3 import exceptions

    try:
        yield
    except exceptions.ProxyError as error:
        raise ProxyFailed(root_cause(error.original_error)) from None
    except exceptions.NewConnectionError as error:
        raise NotConnected(root_cause(error)) from None
    except exceptions.ConnectTimeoutError:
        raise NotConnected(TimeoutError()) from None
    except exceptions.ReadTimeoutError:
        raise TimeoutError from None
    except exceptions.IncompleteRead:
        raise http.client.IncompleteRead(b"") from None
    except exceptions.LocationValueError:
        raise NotConnected(socket.gaierror(socket.EAI_NONAME, "not a name")) from None
    except exceptions.HTTPError as error:
        root = root_cause(error)
        raise (root if isinstance(root, (OSError, http.client.HTTPException)) else ConnectionError(str(root))) from None


class _Head(StrictAnswer):
    def _message(self, pairs: list[tuple[str, str]]) -> http.client.HTTPMessage:
        message = http.client.HTTPMessage()
        for name, value in pairs:
            message[name] = value
        return message


@functools.cache
def _pool_classes() -> dict[str, type[urllib3.HTTPConnectionPool]]:
    # In a function, as the import of urllib3 is.
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Connection(HTTPConnection):
        response_class = _Head

        def connect(self) -> None:
            super().connect()
            self.sock = bounded(self.sock)

    class TlsConnection(HTTPSConnection):
        response_class = _Head

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": Pool, "https": TlsPool}
