# SPDX-License-Identifier: GPL-3.0-or-later
"""A hard end for network operations.

A timeout ends a silence; a peer that sends a byte now and then keeps it from ever ending. So each wait on a socket is
cut to what is left of the operation's deadline. The sockets learn it from the thread that uses them.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import typing as t


class Deadline:
    """The end of one operation, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.monotonic()

    def elapsed(self) -> float:
        """Seconds spent."""
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.seconds - self.elapsed())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0


_thread = threading.local()


@contextlib.contextmanager
def enforced(deadline: Deadline, timeout: float) -> t.Iterator[None]:
    """Within this block, a socket waits at most `timeout` seconds, and never past the deadline."""
    before = getattr(_thread, "limits", None)
    _thread.limits = (deadline, timeout)
    try:
        yield
    finally:
        _thread.limits = before


def _arm(sock: socket.socket) -> None:
    limits = getattr(_thread, "limits", None)
    if limits is None:
        return
    deadline, timeout = limits
    remaining = deadline.remaining()
    if remaining <= 0:
        raise TimeoutError("the deadline of the operation has passed")
    sock.settimeout(min(timeout, remaining))


class _Bounded(socket.socket):
    """A TCP socket whose waits end with the deadline."""

    def recv_into(self, *args: t.Any, **kwargs: t.Any) -> int:
        _arm(self)
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: t.Any, **kwargs: t.Any) -> None:
        _arm(self)
        super().sendall(*args, **kwargs)


class _BoundedTls(ssl.SSLSocket):
    """The same over TLS."""

    def recv_into(self, *args: t.Any, **kwargs: t.Any) -> int:
        _arm(self)
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: t.Any, **kwargs: t.Any) -> None:
        _arm(self)
        super().sendall(*args, **kwargs)


def bounded(sock: socket.socket) -> socket.socket:
    """The same connection as a socket that heeds deadlines; `sock` itself must not be used any more."""
    timeout = sock.gettimeout()
    mine = _Bounded(fileno=sock.detach())
    mine.settimeout(timeout)
    return mine


def bind_tls(context: ssl.SSLContext) -> None:
    """Make the sockets of `context` heed deadlines."""
    context.sslsocket_class = _BoundedTls
