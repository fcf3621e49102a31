# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, how long to wait before, and what to say when it was in vain."""

from __future__ import annotations

import email.utils
import random
import re
import time
import typing as t

from .errors import Unreachable

if t.TYPE_CHECKING:  # pragma: no cover
    from .connections import Wire
    from .deadline import Deadline
    from .failures import Broken
    from .settings import HttpSettings

_LONGEST_BACKOFF = 60.0  # seconds
_SECONDS = re.compile(r"[0-9]+\Z", re.ASCII)
_EVER = 1e9  # seconds; stands for any longer pause


class Attempts:
    """The tries of one operation at one host, within its deadline."""

    def __init__(
        self,
        peer: str,
        settings: HttpSettings,
        deadline: Deadline,
        *,
        retries: int | None = None,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._peer = peer
        self._deadline = deadline
        self._settings = settings
        self._left = settings.retries if retries is None else retries
        self._sleep = sleep
        self._count = 1

    def failed(self, broken: Broken) -> None:
        """`again`, unless that is pointless; at once after the first, since a kept connection may just have ended."""
        if broken.final:
            raise self.give_up(broken.cause) from None
        self._again(broken.cause, self._backoff() if self._count > 1 else 0.0)

    def again(self, cause: str, response: Wire | None = None) -> None:
        """After a failure: wait as long as the peer asks and the back-off says, or raise Unreachable with the cause."""
        asked = None if response is None else asked_pause(response.headers.getlist("Retry-After"))
        # Not before our own pause: a peer that says 0 while it is busy gets no storm.
        pause = max(self._backoff(), asked or 0.0)
        # Also when nothing more would be tried: it says why, and for how long.
        self._again(f"{cause}; it asks to wait {asked:.0f} s" if asked else cause, pause, cause)

    def _again(self, asked: str, pause: float, cause: str = "") -> None:
        if self._left <= 0:
            raise self.give_up(cause or asked)
        if pause >= self._deadline.remaining():
            raise self.give_up(asked)
        self._left -= 1
        self._sleep(pause)
        self._count += 1

    def _backoff(self) -> float:
        base = self._settings.backoff
        spread = random.uniform(0, base / 2)  # noqa: S311  (spreads clients, guards nothing)
        return min(base * 2.0 ** (self._count - 1), _LONGEST_BACKOFF) + spread

    def give_up(self, cause: str) -> Unreachable:
        """The error to raise: host, last cause, time spent."""
        spent = self._deadline.elapsed()
        tries = "1 attempt" if self._count == 1 else f"{self._count} attempts"
        limit = f", the deadline of {self._deadline.seconds:g} s has passed" if self._deadline.expired else ""
        return Unreachable(
            f"{self._peer}: {cause} ({tries} in {spent:.1f} s{limit})",
            peer=self._peer,
            cause=cause,
            attempts=self._count,
            seconds=round(spent, 1),
        )


def asked_pause(values: t.Sequence[str]) -> float | None:
    """The seconds that `Retry-After` asks for: of several the most; None where it says nothing (RFC 9110, 10.2.3)."""
    found = [seconds for value in values if (seconds := _seconds(value.strip())) is not None]
    return max(found, default=None)


def _seconds(value: str) -> float | None:
    if _SECONDS.match(value):
        return min(float(value), _EVER)
    parsed = email.utils.parsedate_tz(value[:64])
    if parsed is None:
        return None
    try:
        return min(max(0.0, email.utils.mktime_tz(parsed) - time.time()), _EVER)
    except (ValueError, OverflowError):
        return None
