# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct connections to one origin, kept alive, and what they answer.

They are the standard library's, since one request by urllib3's pool takes twice the CPU time (docs/performance.md).
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import ipaddress
import select
import socket
import typing as t
import weakref

from .._shared.addresses import Address, unwrapped
from .deadline import BoundedSocket, allowed
from .failures import NotConnected
from .head import Headers, StrictAnswer

if t.TYPE_CHECKING:  # pragma: no cover
    import ssl

    from .urls import Origin

BLOCK = 128 * 1024  # bytes read from a file and written to the socket at a time


class Wire(t.Protocol):
    """An answer on its connection, its body unread."""

    status: int
    headers: Headers

    def read1(self, size: int) -> bytes:
        """What is there of the body, at most `size` bytes; nothing at its end. An error where it is cut short."""

    def close(self) -> None:
        """Give the connection back where the body was read to its end, else end it: reading on could take forever."""


class _Connection(http.client.HTTPConnection):
    """To one host; with a context, by TLS, and for `server_name`."""

    response_class = StrictAnswer

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None, server_name: str | None) -> None:
        super().__init__(origin.host, origin.port, blocksize=BLOCK)
        self.default_port = 443 if tls else 80  # the one that the Host header leaves out
        self._create_connection = dial
        self._tls = tls
        self._server_name = server_name or origin.host
        self.peer: Address | None = None

    def connect(self) -> None:
        super().connect()
        self.peer = unwrapped(ipaddress.ip_address(self.sock.getpeername()[0].partition("%")[0]))
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)


def dial(address: tuple[str, int], timeout: float | None = None, source: t.Any = None) -> socket.socket:
    """As socket.create_connection: the first address that answers. The socket heeds deadlines, and so does this."""
    del source
    cause: OSError | None = None
    for family, kind, protocol, _name, where in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
        sock = BoundedSocket(family, kind, protocol)
        try:
            sock.settimeout(allowed(timeout))
            sock.connect(where)
        except OSError as error:
            cause = error
            sock.close()
        else:
            return sock
    raise cause or OSError("no address")


class Connections:
    """Those to one origin; thread-safe. `tls` is None for plain HTTP, else makes its sockets heed deadlines."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None, keep: int, server_name: str | None = None) -> None:
        self._origin = origin
        self._tls = tls
        self._keep = keep
        self._server_name = server_name
        self.peer: Address | None = None  # where the last connection went
        self._idle: collections.deque[_Connection] = collections.deque()
        weakref.finalize(self, _close_all, self._idle)

    def ask(
        self,
        method: str,
        target: str,
        body: t.Any,
        headers: t.Mapping[str, str],
        wait: float,
        check: t.Callable[[Address], None] | None = None,
    ) -> Wire:
        """Send one request and read the head of its answer; `wait` is in seconds, for connecting.

        `check` is told the address that was connected to, before anything is sent there, and may raise.
        """
        connection = self._take()
        with contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if connection.sock is None:
                _connect(connection, wait)
            self.peer = connection.peer
            if check is not None and connection.peer is not None:
                check(connection.peer)
            answer = _exchange(connection, method, target, body, headers)
            stack.pop_all()  # it goes on: to the end of the answer, and then to the next request
        return _Answer(answer, connection, self)

    def _take(self) -> _Connection:
        """The one that was used last, if its peer has not ended it, or a new one."""
        with contextlib.suppress(IndexError):
            while not _is_quiet((connection := self._idle.pop()).sock):
                connection.close()
            return connection
        return _Connection(self._origin, self._tls, self._server_name)

    def give_back(self, connection: _Connection) -> None:
        """For the next request."""
        if connection.sock is None or len(self._idle) >= self._keep:
            connection.close()
        else:
            self._idle.append(connection)


def _close_all(idle: collections.deque[_Connection]) -> None:
    while idle:
        idle.pop().close()


def _connect(connection: _Connection, wait: float) -> None:
    connection.timeout = wait
    try:
        connection.connect()
    except OSError as error:
        raise NotConnected(error) from None
    except UnicodeError:  # a label that no name can have, as one of more than 63 characters
        raise NotConnected(socket.gaierror(socket.EAI_NONAME, "not a name")) from None


def _exchange(
    connection: _Connection, method: str, target: str, body: t.Any, headers: t.Mapping[str, str]
) -> StrictAnswer:
    """The answer, also of a peer that has stopped listening before all was sent."""
    lost: OSError | None = None
    try:
        connection.request(method, target, body, headers)
    except (BrokenPipeError, ConnectionResetError) as error:
        lost = error
    try:
        answer = t.cast("StrictAnswer", connection.getresponse())
    except (OSError, http.client.HTTPException):
        if lost is not None:
            raise lost from None
        raise
    answer.will_close = answer.will_close or lost is not None
    return answer


def _is_quiet(sock: socket.socket) -> bool:
    """Whether nothing came that nobody asked for: data, or the end of the connection."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


class _Answer:
    """See Wire."""

    def __init__(self, answer: StrictAnswer, connection: _Connection, home: Connections) -> None:
        self.status = answer.status
        self.headers = answer.fields
        self._answer = answer
        self._connection: _Connection | None = connection
        self._home = home

    def read1(self, size: int) -> bytes:
        piece = self._answer.read1(size)
        if not piece and self._answer.length:
            raise http.client.IncompleteRead(b"", self._answer.length)
        return piece

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # http.client forgets the length of what it has closed, and closes what is in chunks once it has seen the last.
        ended = self._answer.length == 0 or (self._answer.chunked and self._answer.isclosed())
        self._answer.close()
        if ended and not self._answer.will_close:
            self._home.give_back(connection)
        else:
            connection.close()
