# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry as a threaded server on a socket: lifecycle, TLS, hooks and a record of requests."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import sys
import threading
import traceback
import typing as t

from .handler import Handler
from .message import ApiError, Disconnect, Hook, Request, Response

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

    from .api import Api

_HANDSHAKE_SECONDS = 10
_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # struct linger {on, 0 seconds}: close() sends a reset


class Recorded(t.NamedTuple):
    """A request that was answered; `target` includes the query."""

    method: str
    target: str
    status: int


class RegistryServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves an Api at an address. Port 0 lets the system choose; `address` tells.

    `hooks` run around every request, in order. `requests` lists what was answered where `record` is set: the list grows
    with every request, so it is for use inside tests.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, host: str, port: int, api: Api, *, tls: ssl.SSLContext | None = None, record: bool = False
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.api = api
        self.hooks: list[Hook] = []
        self.requests: list[Recorded] = []
        self.scheme = "http" if tls is None else "https"
        self._tls = tls
        self._record = record
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        try:
            super().__init__((host, port), Handler)
        except OSError:
            self._close_wakers()
            raise
        self.port: int = self.server_address[1]  # type: ignore[assignment,unused-ignore]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    # Requests

    def respond(self, request: Request) -> Response:
        """The answer to a request, hooks included. Raises Disconnect where a hook wants no answer."""
        response = None
        for hook in self.hooks:
            response = response or hook.before(request)
        if response is None:
            response = self._answer(request)
        for hook in self.hooks:
            response = hook.after(request, response)
        if self._record:  # before it is sent: a client that has its answer finds the record
            self.requests.append(Recorded(request.method, request.target, response.status))
        return response

    def _answer(self, request: Request) -> Response:
        try:
            return self.api.handle(request)
        except ApiError as error:
            return error.response()
        except (ConnectionError, TimeoutError) as error:
            raise Disconnect from error
        except OSError as error:  # a full or read-only disk
            sys.stderr.write(f"{request.method} {request.path!r}: {error}\n")
            return ApiError("UNKNOWN", f"the registry's storage: {error.strerror}").response()

    # Lifecycle

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Accept connections until stop(); sleeps until there is one, and stops at once."""
        del poll_interval
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while all(key.fileobj is self for key, _events in selector.select()):
                self._accept()

    def _accept(self) -> None:
        try:
            connection, client = self.get_request()
        except OSError:  # gone before it was accepted
            return
        with self._lock:
            self._connections.add(connection)
        self.process_request(connection, client)

    def get_request(self) -> tuple[socket.socket, t.Any]:
        connection, client = self.socket.accept()
        if self._tls is None:
            return connection, client
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), client

    def finish_request(self, request: t.Any, client_address: t.Any) -> None:
        if self._tls is not None:  # here, in the connection's own thread: a slow client must not hold up the others
            request.settimeout(_HANDSHAKE_SECONDS)
            request.do_handshake()
        super().finish_request(request, client_address)

    def shutdown_request(self, request: t.Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Connections that break are the clients' affair; anything else is a bug worth its traceback."""
        del request, client_address
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()

    def cut(self, connection: socket.socket) -> None:
        """Reset a connection: its client sees no orderly end."""
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()

    def stop(self) -> None:
        """End serve_forever() from any thread or signal handler."""
        with contextlib.suppress(OSError):
            self._wake_sender.send(b"\0")

    def server_close(self) -> None:
        """Close the socket and every connection: kept-alive ones must not outlive the server."""
        super().server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._close_wakers()

    def _close_wakers(self) -> None:
        self._wake_receiver.close()
        self._wake_sender.close()
