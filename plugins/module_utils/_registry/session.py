# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one registry: who we are is added here and only here, and only on the registry's own origin."""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import replace
from urllib.parse import urlsplit

from .._http import follow as redirects
from .._http.deadline import Deadline
from .._http.errors import Unreachable
from .._http.failures import Broken
from .._http.retry import Attempts
from .._http.transport import Answer, Request, Transport, describe
from .._http.urls import Origin
from .._oci.reference import api_host
from .auth import Authenticator, Scope, tried
from .errors import BadAnswer, NotFound, Refused, RegistryError, Unauthorized, of_http
from .settings import ERROR_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.scrub import Scrubber
    from .credentials import CredentialStore
    from .settings import ConnectionSettings


class Session:
    """The authenticated way to one registry. Thread-safe."""

    @of_http()
    def __init__(
        self, host: str, settings: ConnectionSettings, store: CredentialStore, transport: Transport, scrubber: Scrubber
    ) -> None:
        self.host = host
        self.settings = settings
        self.scrubber = scrubber
        self.transport = transport
        self.base = f"{settings.scheme(host)}://{api_host(host)}"
        self.home = Origin.of(self.base, f"registry {host}")
        # Plain HTTP to other hosts as well only where it was asked for, not where loopback implies it.
        self.auth = Authenticator(
            host,
            self.home,
            settings.insecure is True,
            lambda repository: store.find(host, repository),
            transport,
            scrubber,
        )
        self._greeting = threading.Lock()
        self._greeted = False
        self._unanswered: tuple[float, Unreachable] | None = None

    @property
    def by_token(self) -> bool:
        """Whether the registry wants tokens, which are for one repository each."""
        return self.auth.scheme == "bearer"

    def deadline(self) -> Deadline:
        """The deadline of an operation, which moves with the bytes of what is sent and received."""
        return Deadline(self.settings.deadline)

    def url(self, repository: str, tail: str) -> str:
        """The URL of `tail` in a repository."""
        return f"{self.base}/v2/{repository}/{tail}"

    def scope(self, repository: str, actions: str) -> Scope:
        """The right to do `actions` (`pull`, `pull,push`, …) in a repository."""
        return Scope(repository, actions)

    @of_http()
    def send(self, request: Request, scope: Scope, deadline: Deadline, *, follow: bool | str = False) -> Answer:
        """The final answer, whatever its status; redirects are followed when told, with credentials only at home.

        With text for `follow`: only to a path that ends in it.
        """
        self._greet(scope, deadline)

        def step(step: Request, at_home: bool) -> Answer:
            return (self._authorized if at_home else self._anonymous)(step, scope, deadline)

        def target(answer: Answer) -> str | None:
            return self._target(answer, follow) if follow else None

        return redirects.follow(request, self.home, step, target, f"registry {self.host}")

    @of_http()
    def read(
        self, request: Request, scope: Scope, deadline: Deadline, limit: int, *, follow: bool | str = True
    ) -> tuple[Answer, bytes]:
        """As `send`, with the body of at most `limit` bytes; an answer that breaks off is asked for again."""
        attempts = self.attempts(deadline)
        while True:
            answer = self.send(request, scope, deadline, follow=follow)
            try:
                return answer, answer.read(limit) if answer.status < 400 else answer.read_start(ERROR_LIMIT)
            except Broken as broken:
                attempts.failed(broken)

    @of_http()
    def put(self, request: Request, scope: Scope, deadline: Deadline) -> Answer:
        """One attempt to send a blob to an upload's location; Broken when no answer came.

        Elsewhere than at home without credentials: CVE-2026-50151 is a client that sent them wherever it was told.
        """
        if Origin.of(request.url, request.where) != self.home:
            return self.transport.once(request, deadline)
        sent = self.auth.header(scope, deadline)
        answer = self.transport.once(_with(request, sent), deadline)
        if not self._may_renew(answer, sent, scope):
            return answer
        return self.transport.once(_with(request, self.auth.header(scope, deadline)), deadline)

    def attempts(self, deadline: Deadline) -> Attempts:
        """The count of tries for an operation that is more than one exchange."""
        return Attempts(f"registry {self.host}", self.settings, deadline)

    def _target(self, answer: Answer, follow: bool | str) -> str | None:
        what = f"registry {self.host}: redirect of {answer.request.where}"
        target = redirects.location(answer, self.home, what)
        return target if follow is True or urlsplit(target).path.endswith(str(follow)) else None

    def _greet(self, scope: Scope, deadline: Deadline) -> None:
        """Ask once how the registry wants to be asked, where we have credentials.

        A registry may answer 404 for what it hides from the anonymous, so waiting for a 401 would miss what is there.
        """
        if self._greeted or self.auth.challenged or self.auth.credentials(scope.repository).anonymous:
            return
        came = time.monotonic()
        with self._greeting:
            if self._greeted:
                return
            if self._unanswered is not None and self._unanswered[0] >= came:
                raise self._unanswered[1]  # found by the thread that we waited for
            try:
                answer = self.transport.send(Request("GET", f"{self.base}/v2/"), deadline)
            except Unreachable as error:
                self._unanswered = (time.monotonic(), error)
                raise
            with answer:
                if answer.status == 401:
                    self.auth.learn(answer.headers.getlist("WWW-Authenticate"), None, Scope("", ""))
            self._greeted = True

    def _authorized(self, request: Request, scope: Scope, deadline: Deadline) -> Answer:
        sent = self.auth.header(scope, deadline)
        answer = self.transport.send(_with(request, sent), deadline)
        if not self._may_renew(answer, sent, scope):
            return answer
        return self.transport.send(_with(request, self.auth.header(scope, deadline)), deadline)

    def _may_renew(self, answer: Answer, sent: str | None, scope: Scope) -> bool:
        """Whether a refusal could be healed by other credentials than those sent; the answer is then closed."""
        if not _wants_other_credentials(answer):
            return False
        if not self.auth.learn(answer.headers.getlist("WWW-Authenticate"), sent, scope):
            return False
        answer.close()
        return True

    def _anonymous(self, request: Request, scope: Scope, deadline: Deadline) -> Answer:
        del scope
        return self.transport.send(request, deadline)

    @of_http()
    def error(self, answer: Answer, body: bytes, scope: Scope) -> RegistryError:
        """What an unexpected answer means."""
        what = f"registry {self.host}: {answer.request.what}"
        code, said = self.scrubber.reason(body)
        details: dict[str, t.Any] = {"registry": self.host, "status": answer.status, "registry_code": code}
        text = f": {said}" if said else ""
        if Origin.of(answer.request.url, what) != self.home:
            return BadAnswer(
                f"{what}: {urlsplit(answer.request.url).netloc}, where it redirects, answers {describe(answer)}",
                **details,
            )
        if answer.status in (401, 403):
            credentials = self.auth.credentials(scope.repository)
            to = tried(credentials)
            if not (_is_known(answer) or credentials.anonymous):
                to = f"a request without credentials, since it did not ask for {to}"
            return Unauthorized(
                f"{what}: {describe(answer)} to {to}{text}"
                " (a registry may answer so for a repository that does not exist, too)",
                credentials=credentials.source,
                **details,
            )
        if answer.status == 404:
            return NotFound(f"{what}: not found{text}", **details)
        if 400 <= answer.status < 500:
            return Refused(f"{what}: refused with status {answer.status}{text}", **details)
        return BadAnswer(f"{what}: unexpected status {answer.status}", **details)


def _with(request: Request, authorization: str | None) -> Request:
    if authorization is None:
        return request
    return replace(request, headers={**request.headers, "Authorization": authorization})


def _wants_other_credentials(answer: Answer) -> bool:
    """A 401, RFC 6750's way to say that the token was for less, or a 403 that says nothing to somebody unknown."""
    challenge = " ".join(answer.headers.getlist("WWW-Authenticate"))[:8192]
    unknown = not challenge and not _is_known(answer)
    return answer.status == 401 or (answer.status == 403 and (unknown or "insufficient_scope" in challenge))


def _is_known(answer: Answer) -> bool:
    """Whether the request said who we are."""
    return "Authorization" in answer.request.headers
