# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, how long to wait before, and what to say when it was in vain.

The policy (counting, back-off, both forms of Retry-After) is urllib3's Retry. Its loop is not used: that one sleeps
past any deadline, and drains the body of an error answer without a limit. It is imported after the first failure, and
not before: that takes 40 ms.
"""

from __future__ import annotations

import time
import typing as t

from .._shared.requirements import expect
from .errors import Unreachable

if t.TYPE_CHECKING:  # pragma: no cover
    from urllib3.util.retry import Retry

    from .connections import Wire
    from .deadline import Deadline
    from .failures import Broken
    from .settings import ConnectionSettings

expect("urllib3")

STATUSES = frozenset({408, 429, 500, 502, 503, 504})


class Attempts:
    """The tries of one operation at one host, within its deadline."""

    def __init__(self, peer: str, settings: ConnectionSettings, deadline: Deadline) -> None:
        self._peer = peer
        self._deadline = deadline
        self._count = 1
        self._settings = settings
        self._made: Retry | None = None

    @property
    def _policy(self) -> Retry:
        """Made when it is needed: most operations succeed at once."""
        if self._made is None:
            from urllib3.util.retry import Retry

            backoff = self._settings.backoff
            self._made = Retry(
                total=self._settings.retries, backoff_factor=backoff, backoff_jitter=backoff / 2, backoff_max=60
            )
        return self._made

    def failed(self, broken: Broken) -> None:
        """`again`, unless that is pointless."""
        if broken.final:
            raise self.give_up(broken.cause) from None
        self.again(broken.cause)

    def again(self, cause: str, response: Wire | None = None) -> None:
        """After a failure: wait as long as the registry or the policy says, or raise Unreachable with the cause."""
        if self._policy.total == 0:
            raise self.give_up(cause)
        self._made = self._policy.increment()
        pause = self._asked_pause(response)
        if pause is None:
            pause = self._policy.get_backoff_time()
        if pause >= self._deadline.remaining():
            asked = f"; the registry asks to wait {pause:.0f} s" if self._asked_pause(response) else ""
            raise self.give_up(f"{cause}{asked}")
        time.sleep(pause)
        self._count += 1

    def give_up(self, cause: str) -> Unreachable:
        """The error to raise: host, last cause, time spent."""
        spent = self._deadline.elapsed()
        tries = "1 attempt" if self._count == 1 else f"{self._count} attempts"
        limit = f", the deadline of {self._deadline.seconds:g} s has passed" if self._deadline.expired else ""
        return Unreachable(
            f"{self._peer}: {cause} ({tries} in {spent:.1f} s{limit})",
            registry=self._peer.rpartition(" ")[2],
            cause=cause,
            attempts=self._count,
            seconds=round(spent, 1),
        )

    def _asked_pause(self, response: Wire | None) -> float | None:
        header = response.headers.get("Retry-After", "") if response is not None else ""
        if not header or len(header) > 40:
            return None
        policy = self._policy
        from urllib3.exceptions import InvalidHeader

        try:
            # Not before the policy's own pause: a registry that says 0 while it is busy gets no storm.
            return max(policy.parse_retry_after(header), policy.get_backoff_time())
        except (InvalidHeader, ValueError, OverflowError):
            return None
