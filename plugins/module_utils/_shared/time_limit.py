# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on the time that something computes, for libraries that have none of their own.

By the timer of the process's own time, so that a busy machine takes nothing away. Python looks at signals between
byte codes, and its regular expressions do so too; only the main thread can have one.
"""

from __future__ import annotations

import signal
import threading
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    import types


class TimeLimitPassed(BaseException):
    """The time is over. No Exception, lest what was interrupted takes it for an error of its own."""


class TimeLimit:
    """`with TimeLimit(seconds):` raises TimeLimitPassed in what takes longer. Not one inside another."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before: t.Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a time limit needs the main thread")
        self._before = signal.signal(signal.SIGVTALRM, self._pass)
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)

    def __exit__(self, *_error: object) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._before)

    @staticmethod
    def _pass(_number: int, _frame: types.FrameType | None) -> t.NoReturn:
        raise TimeLimitPassed
