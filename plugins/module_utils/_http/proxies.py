# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges through a proxy, by urllib3: nothing else in reach speaks TLS through a proxy that is asked by TLS.

It is imported when there is such a proxy, and not before: that takes 40 ms.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import threading
import typing as t

from .._shared.errors import root_cause
from .._shared.requirements import expect
from .connections import BLOCK, dial
from .failures import NotConnected, ProxyFailed, ProxyRefused
from .head import Headers, StrictAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

    import urllib3

    from .._shared.scrub import Scrubber
    from .proxy_choice import Proxy
    from .settings import HttpSettings

expect("urllib3")

_LOGIN_WANTED = 407


class Proxies:
    """The managers of connections through each proxy; thread-safe."""

    def __init__(self, tls: t.Callable[[], ssl.SSLContext], settings: HttpSettings, scrubber: Scrubber) -> None:
        self._tls = tls
        self._settings = settings
        self._scrubber = scrubber
        self._managers: dict[tuple[Proxy, bool], urllib3.ProxyManager] = {}
        self._lock = threading.Lock()

    def ask(
        self, proxy: Proxy, method: str, url: str, body: t.Any, headers: t.Mapping[str, str], wait: float
    ) -> _Answer:
        """Send one request through `proxy` and read the head of its answer; errors as those of Connections.ask."""
        manager = self._manager(proxy, secure=url.startswith("https:") or proxy.url.startswith("https:"))
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
        if raw.status == _LOGIN_WANTED:
            raw.close()
            raise ProxyRefused(raw.status)
        return _Answer(raw)

    def _manager(self, proxy: Proxy, *, secure: bool) -> urllib3.ProxyManager:
        # One that was made before TLS was needed has no context.
        with self._lock:
            if (proxy, secure) not in self._managers:
                self._managers[proxy, secure] = self._made(proxy, self._tls() if secure else None)
            return self._managers[proxy, secure]

    def _made(self, proxy: Proxy, tls: ssl.SSLContext | None) -> urllib3.ProxyManager:
        import urllib3

        name: dict[str, t.Any] = {"server_hostname": self._settings.server_name} if self._settings.server_name else {}
        manager = urllib3.ProxyManager(
            proxy.url,
            proxy_headers={"proxy-authorization": self._scrubber.add_login(*proxy.login)} if proxy.login else None,
            num_pools=8,
            ssl_context=tls,
            proxy_ssl_context=tls,
            maxsize=max(1, self._settings.concurrency),
            blocksize=BLOCK,
            **name,
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
        root = root_cause(error.original_error)
        raise ProxyRefused.of(root) or ProxyFailed(root) from None
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

    def new_connection(self: HTTPConnection) -> socket.socket:
        try:  # the proxy is what is dialled, and what fails
            return dial((self._dns_host, self.port), self.timeout)
        except OSError as error:
            raise ProxyFailed(NotConnected(error)) from None

    class Connection(HTTPConnection):
        response_class = _Head
        _new_conn = new_connection

    class TlsConnection(HTTPSConnection):
        response_class = _Head
        _new_conn = new_connection

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": Pool, "https": TlsPool}
