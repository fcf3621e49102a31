# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, how long to wait before, and what to say when it was in vain.

The policy (counting, back-off, both forms of Retry-After) is urllib3's Retry. Its loop is not used: that one sleeps
past any deadline, and drains the body of an error answer without a limit.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import Unreachable
from ansible_collections.proven.gitops.plugins.module_utils._requirements import third_party

with third_party():
    from urllib3 import exceptions as http_errors
    from urllib3.util.retry import Retry

if t.TYPE_CHECKING:  # pragma: no cover
    from urllib3.response import BaseHTTPResponse

    from ansible_collections.proven.gitops.plugins.module_utils._registry.deadline import Deadline
    from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings

STATUSES = frozenset({408, 429, 500, 502, 503, 504})


class Broken(Exception):
    """The exchange broke off; `cause` says how, `final` that trying again is pointless. Never leaves this package."""

    def __init__(self, cause: str, *, final: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.final = final


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

    def again(self, cause: str, response: BaseHTTPResponse | None = None) -> None:
        """After a failure: wait as long as the registry or the policy says, or raise Unreachable with the cause."""
        try:
            self._made = self._policy.increment()
        except http_errors.MaxRetryError:
            raise self.give_up(cause) from None
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

    def _asked_pause(self, response: BaseHTTPResponse | None) -> float | None:
        header = response.headers.get("Retry-After", "") if response is not None else ""
        if not header or len(header) > 40:
            return None
        try:
            # Not before the policy's own pause: a registry that says 0 while it is busy gets no storm.
            return max(self._policy.parse_retry_after(header), self._policy.get_backoff_time())
        except (http_errors.InvalidHeader, ValueError, OverflowError):
            return None


def explain(error: Exception, timeout: float) -> str:
    """The cause of a failed exchange in a few words, without addresses, queries or object names."""
    if isinstance(error, http_errors.ProxyError):
        return f"proxy: {explain(error.original_error, timeout)}"
    if isinstance(error, http_errors.NameResolutionError):
        return "the name does not resolve"
    if isinstance(error, http_errors.ConnectTimeoutError) and not isinstance(error, http_errors.NewConnectionError):
        return f"no connection within {timeout:g} s"
    if isinstance(error, http_errors.ReadTimeoutError):
        return f"no answer for {timeout:g} s"
    return _explain_cause(_root(error), timeout)


def _explain_cause(cause: BaseException, timeout: float) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        hint = " (no TLS there? plain HTTP is the option insecure)" if cause.reason == "WRONG_VERSION_NUMBER" else ""
        return f"TLS: {str(cause.reason or 'handshake failed').replace('_', ' ').lower()}{hint}"
    words: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
        (TimeoutError, f"no answer for {timeout:g} s"),
        (http.client.RemoteDisconnected, "it closed the connection without an answer"),
        ((http.client.IncompleteRead, http_errors.IncompleteRead), "the answer broke off"),
        (http.client.HTTPException, "the answer is not HTTP"),
    )
    known = next((text for kind, text in words if isinstance(cause, kind)), "")
    # No text of unknown errors: it can hold a header of ours, or anything of the peer's.
    system = cause.strerror if isinstance(cause, OSError) else None
    return known or (system or type(cause).__name__).lower()


def _root(error: BaseException) -> BaseException:
    """The innermost cause: urllib3 hands it on in the arguments or by `raise … from`."""
    for _turn in range(8):
        inner = next((arg for arg in reversed(error.args) if isinstance(arg, BaseException)), error.__cause__)
        if inner is None:
            break
        error = inner
    return error


def is_final(error: Exception) -> bool:
    """Whether trying again is pointless: a certificate, a name that does not exist, a proxy that says no."""
    if isinstance(error, (http_errors.LocationValueError, http_errors.ProxySchemeUnknown)):
        return True
    cause = _root(error.original_error if isinstance(error, http_errors.ProxyError) else error)
    if isinstance(cause, socket.gaierror):
        return cause.errno != socket.EAI_AGAIN
    refused_by_proxy = isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed: 4")
    broke_off = isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
    return (isinstance(cause, ssl.SSLError) and not broke_off) or refused_by_proxy
