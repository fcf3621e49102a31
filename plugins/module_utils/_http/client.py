# SPDX-License-Identifier: GPL-3.0-or-later
"""The face for services that are asked at one address: JSON or bytes both ways, bounded in time and size.

What we introduce ourselves with goes to that address alone: no redirect is followed, and its Location is not read.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._shared.scrub import Scrubber, keep_to_ourselves
from .deadline import Deadline
from .transport import Request, Transport

if t.TYPE_CHECKING:  # pragma: no cover
    from .head import Headers
    from .settings import HttpSettings

LIMIT = 4 * 1024 * 1024  # bytes of an answer


def no_headers() -> t.Mapping[str, str]:
    """Nothing to introduce ourselves with."""
    return {}


@dataclass(frozen=True)
class Reply:
    """A whole answer, whatever its status."""

    status: int
    headers: Headers
    body: bytes


class Client:
    """One service. Thread-safe.

    `base` is its http or https URL, without a slash at its end. `headers` gives fresh credentials for each exchange.
    `peer` is whom messages blame. `sleep` waits between attempts.
    """

    def __init__(
        self,
        base: str,
        settings: HttpSettings,
        *,
        headers: t.Callable[[], t.Mapping[str, str]] = no_headers,
        register_secret: t.Callable[[str], None] = keep_to_ourselves,
        peer: str = "",
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.base = base
        self.settings = settings
        self._headers = headers
        self._peer = peer or base
        self._transport = Transport(settings, Scrubber(register_secret), sleep=sleep)

    def ask(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        headers: t.Mapping[str, str] | None = None,
        limit: int = LIMIT,
        repeat: bool = True,
    ) -> Reply:
        """One exchange within the settings' deadline; `target` is the path with its query, below `base`.

        Without `repeat` it is sent once: what it asks for may have been done though no answer came. Raises Unreachable
        (also for a status that means "later" and stays), TooLong for more than `limit` bytes, BadAnswer.
        """
        asked = {**(headers or {}), **self._headers()}
        request = Request(method, f"{self.base}{target}", asked, body, peer=self._peer, repeat=repeat)
        answer, content = self._transport.read(request, Deadline(self.settings.deadline), limit)
        return Reply(answer.status, answer.headers, content)
