# SPDX-License-Identifier: GPL-3.0-or-later
"""The `Authorization` of requests to one registry: Basic, or Bearer with tokens fetched once for each scope.

Sources: distribution's docs/spec/auth/{token,oauth,scope}.md; RFC 6750. Who may get the credentials: urls.check_realm.
"""

from __future__ import annotations

import re
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit, urlunsplit

from .._http.transport import Request
from .._http.urls import Origin
from .._shared import strict_json
from .._shared.strict_json import MalformedJson
from . import challenge as challenges
from .errors import BadAnswer, CredentialsError, RegistryError, Unauthorized
from .identity import Credentials
from .settings import ERROR_LIMIT, TOKEN_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._http.deadline import Deadline
    from .._http.transport import Transport
    from .._shared.scrub import Scrubber
    from .challenge import Challenge

_CLIENT_ID = "proven.gitops"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,32768}\Z")
_LIFETIME = 60  # seconds, where the server names none (token.md)
_SCOPES = 8  # of a hostile challenge


@dataclass(frozen=True)
class Scope:
    """What is to be done where: `pull`, or `pull,push`, or `delete` besides, on one repository."""

    repository: str
    actions: str

    def __str__(self) -> str:
        return f"repository:{self.repository}:{self.actions}"


@dataclass
class _Token:
    """The token of one scope; `lock` lets one thread fetch it while the others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: str = field(default="", repr=False)
    until: float = 0.0
    extra: tuple[str, ...] = ()
    failure: Unauthorized | None = None


class Authenticator:
    """Knows how one registry wants to be asked. Thread-safe."""

    def __init__(
        self,
        host: str,
        home: Origin,
        plain_http: bool,
        find: t.Callable[[str], Credentials],
        transport: Transport,
        scrubber: Scrubber,
    ) -> None:
        self._host = host
        self._home = home
        self._plain_http = plain_http
        self._find = find
        self._transport = transport
        self._scrubber = scrubber
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._tokens: dict[Scope, _Token] = {}

    def credentials(self, repository: str) -> Credentials:
        """Those for a repository, their secrets known to the scrubber."""
        found = self._find(repository)
        for secret in (found.password, found.identity_token, found.registry_token):
            self._scrubber.add(secret)
        return found

    @property
    def challenged(self) -> bool:
        """Whether the registry has said how it wants to be asked."""
        return self._challenge is not None

    @property
    def scheme(self) -> str | None:
        """`basic` or `bearer`, once the registry has said so."""
        return self._challenge.scheme if self._challenge else None

    def header(self, scope: Scope, deadline: Deadline) -> str | None:
        """The value of `Authorization`, or None where nothing is to be sent."""
        challenge, credentials = self._challenge, self.credentials(scope.repository)
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            if not credentials.username:
                return None
            return self._scrubber.add_login(credentials.username, credentials.password)
        if credentials.registry_token:
            if not _VISIBLE.match(credentials.registry_token):
                raise CredentialsError(f"{credentials.source}: the registry token holds characters that no token has")
            return f"Bearer {credentials.registry_token}"
        token = self._token(scope)
        with token.lock:
            if token.failure is not None:  # a wrong password tried a hundred times locks the account
                raise token.failure
            if time.monotonic() >= token.until:
                try:
                    token.value, token.until = self._fetch(challenge, scope, token.extra, credentials, deadline)
                except Unauthorized as error:
                    token.failure = error
                    raise
            return f"Bearer {token.value}"

    def learn(self, headers: t.Iterable[str], sent: str | None, scope: Scope) -> bool:
        """After a 401 to a request that carried `sent`: whether asking again could help."""
        challenge = challenges.choose(challenges.parse(headers))
        if challenge is None:
            return False
        with self._lock:
            self._challenge = challenge
        if challenge.scheme == "basic":
            return sent is None and bool(self.credentials(scope.repository).username)
        if sent is not None and self.credentials(scope.repository).registry_token:
            return False
        token = self._token(scope)
        with token.lock:
            wanted = tuple(text[:300] for text in challenge.get("scope").split()[:_SCOPES])
            token.extra = tuple(dict.fromkeys((*token.extra, *wanted)))[:_SCOPES]
            if sent == f"Bearer {token.value}":  # else another thread has renewed it since
                token.until = 0.0
        return True

    def _token(self, scope: Scope) -> _Token:
        with self._lock:
            return self._tokens.setdefault(scope, _Token())

    def _fetch(
        self, challenge: Challenge, scope: Scope, extra: tuple[str, ...], credentials: Credentials, deadline: Deadline
    ) -> tuple[str, float]:
        """A new token and when to stop using it, on the monotonic clock."""
        realm = challenge.get("realm")
        server = challenges.check_realm(self._home, realm, plain_http=self._plain_http)
        own = (str(scope),) if scope.repository else ()
        # The registry's own words first, as go-containerregistry: some tell a scope by its first name.
        scopes = tuple(dict.fromkeys((*extra, *own)))
        if credentials.identity_token:
            request = self._oauth_request(realm, challenge.get("service"), scopes, credentials)
        else:
            request = self._token_request(realm, challenge.get("service"), scopes, credentials)
        request = replace(request, home=self._home, peer=f"token server {server.host} of registry {self._host}")
        answer, body = self._transport.read(request, deadline, TOKEN_LIMIT)
        if answer.status != 200:
            raise self._no_token(server, answer.status, body, credentials)
        return self._parse(body, server)

    def _token_request(self, realm: str, service: str, scopes: tuple[str, ...], credentials: Credentials) -> Request:
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        parts = urlsplit(realm)
        merged = "&".join(part for part in (parts.query, urlencode(query)) if part)
        headers = {"Accept": "application/json"}
        if credentials.username:
            headers["Authorization"] = self._scrubber.add_login(credentials.username, credentials.password)
        return Request("GET", urlunsplit((parts.scheme, parts.netloc, parts.path or "/", merged, "")), headers)

    def _oauth_request(self, realm: str, service: str, scopes: tuple[str, ...], credentials: Credentials) -> Request:
        form = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": _CLIENT_ID,
            "scope": " ".join(scopes),
            "refresh_token": credentials.identity_token,
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", realm.partition("#")[0], headers, urlencode(form).encode("ascii"))

    def _no_token(self, server: Origin, status: int, body: bytes, credentials: Credentials) -> RegistryError:
        host = self._host
        if 300 <= status < 400:
            return BadAnswer(
                f"registry {host}: its token server {server.host} redirects; tokens are not asked elsewhere"
            )
        _other, said = self._scrubber.reason(body[:ERROR_LIMIT])
        return Unauthorized(
            f"registry {host}: its token server {server.host} answers {status} to {tried(credentials)}"
            + (f": {said}" if said else ""),
            registry=host,
            status=status,
            credentials=credentials.source,
        )

    def _parse(self, body: bytes, server: Origin) -> tuple[str, float]:
        what = f"registry {self._host}: the answer of its token server {server.host}"
        try:
            value = strict_json.load_object(body, what)
        except MalformedJson as error:
            raise BadAnswer(self._scrubber.clean(error.message)) from None
        token = value.get("token") or value.get("access_token")
        if not isinstance(token, str) or not _VISIBLE.match(token):
            raise BadAnswer(f"{what} holds no token")
        self._scrubber.add(token)
        lifetime = value.get("expires_in")
        if not isinstance(lifetime, (int, float)) or isinstance(lifetime, bool) or not 0 < lifetime < 1e9:
            lifetime = _LIFETIME
        # A tenth less: it must still be good when it arrives.
        return token, time.monotonic() + lifetime * 0.9


def tried(credentials: Credentials) -> str:
    """How we introduced ourselves, for a message: kind and source, no value."""
    if credentials.registry_token:
        kind = "the registry token"
    elif credentials.identity_token:
        kind = "the identity token"
    elif credentials.username:
        kind = "the user name and password"
    else:
        return f"an anonymous request ({credentials.source})"
    return f"{kind} of {credentials.source}"
