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

# The least rate of a transfer: each byte that moves puts the end off by this much.
SECONDS_PER_BYTE = 1 / (64 * 1024)


class Deadline:
    """The end of one operation: `seconds` from now, and later where bytes move, so that what is large can arrive.

    It is never more than `seconds` ahead: what came fast at first is no credit for dripping later. What a peer
    announces counts for nothing. Within `limited`, it is not later than that block's end either.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.monotonic()
        self._end = self._start + seconds
        self._outer: Deadline | None = getattr(_thread, "outer", None)

    def moved(self, count: int) -> None:
        """So many bytes of a body were sent or received."""
        latest = time.monotonic() + self.seconds
        self._end = max(self._end, min(self._end + count * SECONDS_PER_BYTE, latest))

    def elapsed(self) -> float:
        """Seconds spent."""
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Seconds left, at least 0."""
        left = max(0.0, self._end - time.monotonic())
        return left if self._outer is None else min(left, self._outer.remaining())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0


_thread = threading.local()


@contextlib.contextmanager
def limited(seconds: float) -> t.Iterator[Deadline]:
    """Within this block, every operation of this thread ends after `seconds` at the latest."""
    before = getattr(_thread, "outer", None)
    _thread.outer = Deadline(seconds)
    try:
        yield _thread.outer
    finally:
        _thread.outer = before


@contextlib.contextmanager
def enforced(deadline: Deadline, timeout: float) -> t.Iterator[None]:
    """Within this block, a socket waits at most `timeout` seconds, and never past the deadline."""
    before = getattr(_thread, "limits", None)
    _thread.limits = (deadline, timeout)
    try:
        yield
    finally:
        _thread.limits = before


def allowed(otherwise: float | None = None) -> float | None:
    """How long this thread may wait now; TimeoutError where no time is left."""
    limits: tuple[Deadline, float] | None = getattr(_thread, "limits", None)
    if limits is None:
        return otherwise
    deadline, timeout = limits
    remaining = deadline.remaining()
    if remaining <= 0:
        raise TimeoutError("the deadline of the operation has passed")
    return min(timeout, remaining)


def _sent(data: t.Any) -> None:
    limits = getattr(_thread, "limits", None)
    if limits is not None:
        limits[0].moved(len(data))


class _Heeding:
    """What both kinds of sockets do before they wait."""

    def recv(self, *args: t.Any, **kwargs: t.Any) -> bytes:
        t.cast("socket.socket", self).settimeout(allowed(t.cast("socket.socket", self).gettimeout()))
        return t.cast("bytes", super().recv(*args, **kwargs))  # type: ignore[misc]

    def recv_into(self, *args: t.Any, **kwargs: t.Any) -> int:
        t.cast("socket.socket", self).settimeout(allowed(t.cast("socket.socket", self).gettimeout()))
        return t.cast("int", super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def sendall(self, data: t.Any, *args: t.Any) -> None:
        t.cast("socket.socket", self).settimeout(allowed(t.cast("socket.socket", self).gettimeout()))
        super().sendall(data, *args)  # type: ignore[misc]
        _sent(data)


class BoundedSocket(_Heeding, socket.socket):
    """A TCP socket whose waits end with the deadline."""


class _BoundedTls(_Heeding, ssl.SSLSocket):
    """The same over TLS."""


def bind_tls(context: ssl.SSLContext) -> None:
    """Make the sockets of `context` heed deadlines."""
    context.sslsocket_class = _BoundedTls
