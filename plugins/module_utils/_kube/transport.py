# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with an API server: bounded in time and size, tried again where that is safe, never redirected."""

from __future__ import annotations

import http.client
import ssl
import time
import typing as t
from dataclasses import dataclass
from urllib.parse import urlencode

from .._shared.errors import root_cause
from .._shared.requirements import third_party
from .errors import BadAnswer, Unreachable

with third_party():
    from urllib3 import Retry, Timeout
    from urllib3 import exceptions as http_errors

if t.TYPE_CHECKING:  # pragma: no cover
    from .access import Connection

ANSWER_LIMIT = 8 * 1024 * 1024  # bytes; etcd keeps no object larger than 1.5 MiB
ATTEMPTS = 3
LONGEST_PAUSE = 20.0  # seconds that a Retry-After may ask for
_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """Status code and body."""

    status: int
    body: bytes


class Transport:
    """Requests to one API server. Every request of ours may be sent twice: each says what is to be, not what to do."""

    def __init__(self, connection: Connection, *, wait: t.Callable[[float], None] = time.sleep) -> None:
        self.connection = connection
        self._wait = wait

    def request(
        self, method: str, path: str, query: t.Mapping[str, str], body: bytes | None = None, media_type: str = ""
    ) -> Answer:
        """The answer, whatever its status but 429 and 5xx that stay. Raises Unreachable and BadAnswer."""
        address = f"{self.connection.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", **({"Content-Type": media_type} if media_type else {})}
        cause = ""
        for attempt in range(1, ATTEMPTS + 1):
            pause = 0.25 * 2**attempt
            try:
                answer, asked = self._once(method, address, headers, body)
            except (http_errors.HTTPError, http.client.HTTPException, OSError) as error:
                cause = _explain(error, self.connection.timeout)
                if _is_final(error):
                    break
            else:
                if answer.status not in _BUSY:
                    return answer
                cause = f"it answers {answer.status}"
                pause = max(pause, asked)
            if attempt < ATTEMPTS and pause <= LONGEST_PAUSE:
                self._wait(pause)
        raise Unreachable(
            f"{self.connection.host}: {cause}. Is this the right cluster ({self.connection.origin}), and is it up?",
            host=self.connection.host,
            cause=cause,
        )

    def _once(self, method: str, address: str, headers: dict[str, str], body: bytes | None) -> tuple[Answer, float]:
        response = self.connection.pool.request(
            method,
            address,
            body=body,
            headers={**headers, **self.connection.headers()},
            timeout=Timeout(self.connection.timeout),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            content: bytes = response.read(ANSWER_LIMIT + 1, decode_content=True)
        finally:
            response.release_conn()
        if len(content) > ANSWER_LIMIT:
            raise BadAnswer(
                f"{self.connection.host}: an answer of more than {ANSWER_LIMIT} bytes", host=self.connection.host
            )
        return Answer(response.status, content), _asked_pause(response.headers.get("Retry-After", ""))


def _asked_pause(header: str) -> float:
    try:
        return float(Retry().parse_retry_after(header[:40])) if header else 0.0
    except (http_errors.InvalidHeader, ValueError, OverflowError):
        return 0.0


def _is_final(error: BaseException) -> bool:
    return isinstance(root_cause(error), ssl.SSLError)


def _explain(error: BaseException, timeout: float) -> str:
    """The cause in a few words, with nothing in it that was sent."""
    cause = root_cause(error)
    if isinstance(error, http_errors.NameResolutionError):
        return "the name does not resolve"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message}); the option ca_cert names the authority"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({str(cause.reason or 'handshake').replace('_', ' ').lower()})"
    if isinstance(error, (http_errors.TimeoutError, TimeoutError)) and not isinstance(
        error, http_errors.NewConnectionError
    ):
        return f"no answer within {timeout:g} s"
    system = cause.strerror if isinstance(cause, OSError) else None
    return (system or type(cause).__name__).lower()
