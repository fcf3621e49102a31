# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to wait: look, tell, pause a little longer each time, and stop when the time is over."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

T = t.TypeVar("T")
Tell = t.Callable[[str, str, float, float], None]

_FIRST_PAUSE = 0.1
_LEAST_PAUSE = 0.01


class Clock(t.Protocol):
    """Time, so that tests need none."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Sight(t.Generic[T]):
    """What a look showed. `done` ends the wait; `name` is what is waited for, `words` what it says of itself."""

    value: T
    done: bool
    name: str = ""
    words: str = ""


def tell_nobody(name: str, words: str, spent: float, limit: float) -> None:
    """A Tell that shows nothing."""
    del name, words, spent, limit


class Waiter:
    """One time that all waits share: `seconds` from now, with pauses that grow to `pause` seconds.

    `tell` is told the name, its words, the seconds spent and the limit, after each look that does not end the wait.
    """

    def __init__(
        self, seconds: float, *, pause: float = 1.0, clock: Clock | None = None, tell: Tell = tell_nobody
    ) -> None:
        self.seconds = seconds
        self._pause = pause
        self._clock: Clock = clock or SystemClock()
        self._tell = tell
        self._end = self._clock.now() + seconds

    def until(self, look: t.Callable[[], Sight[T]]) -> Sight[T]:
        """The sight that is done, or the last one when the time is over. Raises what `look` does."""
        pause = min(_FIRST_PAUSE, self._pause)
        while True:
            seen = self.look(look)
            now = self._clock.now()
            if seen is not None:
                if seen.done or now >= self._end:
                    return seen
                self._tell(seen.name, seen.words, self.seconds - (self._end - now), self.seconds)
            self._clock.sleep(max(min(pause, self._end - now), _LEAST_PAUSE))
            pause = min(pause * 2, self._pause)

    @property
    def left(self) -> float:
        """Seconds until the time is over; negative after that."""
        return self._end - self._clock.now()

    def look(self, look: t.Callable[[], Sight[T]]) -> Sight[T] | None:
        """One look; None where it could not be had, and there is time for another."""
        return look()
