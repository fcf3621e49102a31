# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to wait for a cluster."""

from __future__ import annotations

import typing as t

from .._http.deadline import limited
from .._shared import waiter
from .._shared.waiter import Clock, Sight, SystemClock, Tell, tell_nobody
from .errors import Unreachable

__all__ = ["Clock", "Sight", "SystemClock", "Tell", "Waiter", "tell_nobody"]

T = t.TypeVar("T")

_LAST_LOOK = 5.0  # seconds for the answers that are asked for when the time is over


class Waiter(waiter.Waiter):
    """An API server that cannot be reached for a while, as when it restarts, is no end before the time is over."""

    def look(self, look: t.Callable[[], Sight[T]]) -> Sight[T] | None:
        """One look. An API server that drips does not keep us beyond the time."""
        try:
            with limited(max(self.left, _LAST_LOOK)):
                return look()
        except Unreachable:
            if self.left <= 0:
                raise
            return None
