# SPDX-License-Identifier: GPL-3.0-or-later
"""Files from HTTP servers, of a bounded size; redirects are followed, and never carry who we are."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from .._http import follow
from .._http.deadline import Deadline
from .._http.failures import Broken
from .._http.transport import Request, Transport, describe
from .._http.urls import Origin, check_hop
from .._shared import base64
from .._shared.scrub import Scrubber, keep_to_ourselves
from .errors import Refused, of_http

if t.TYPE_CHECKING:  # pragma: no cover
    from .._http.settings import HttpSettings
    from .._http.transport import Answer


@dataclass(frozen=True)
class Login:
    """A user name and a password, for Basic authentication at the origins that the user names."""

    username: str
    password: str

    @property
    def header(self) -> str:
        return f"Basic {base64.encode(f'{self.username}:{self.password}'.encode())}"


class Downloads:
    """Downloads of one task. Thread-safe."""

    def __init__(
        self,
        settings: HttpSettings,
        login: Login | None = None,
        register_secret: t.Callable[[str], None] = keep_to_ourselves,
    ) -> None:
        self._login = login
        self._settings = replace(settings, kind="server")
        self._transport = Transport(self._settings, Scrubber(register_secret))

    @property
    def has_login(self) -> bool:
        """Whether there is something that we would say of us."""
        return self._login is not None

    def read(self, url: str, home: str, limit: int) -> bytes:
        """The whole file at `url`, of at most `limit` bytes. `home` is the URL that the user named.

        Only there, and where `url` is on the same origin, we say who we are.
        """
        return b"".join(self.pieces(url, home, limit))

    def pieces(self, url: str, home: str, limit: int) -> t.Iterator[bytes]:
        """The same piece by piece; one that breaks off after the first piece is an error."""
        shown = without_query(url)
        with of_http(shown):
            start = Origin.of(home, shown)
            target = Origin.of(url, shown)
            if target != start:
                check_hop(start, start, target, shown)
            request = Request("GET", url, home=None if target == start else start)
            deadline = Deadline(self._settings.deadline)
            attempts = self._transport.attempts(request, deadline)
            while True:
                answer = self._answer(request, start, deadline, shown)
                begun = False
                try:
                    with answer:
                        for piece in answer.chunks(limit, coded=False):
                            begun = True
                            yield piece
                    return
                except Broken as broken:
                    if begun:
                        broken = Broken(broken.cause, final=True)
                    attempts.failed(broken)

    def _answer(self, request: Request, home: Origin, deadline: Deadline, shown: str) -> Answer:
        def send(step: Request, at_home: bool) -> Answer:
            headers = {"Authorization": self._login.header} if self._login and at_home else {}
            return self._transport.send(replace(step, headers=headers), deadline)

        what = f"server {home.host}: {shown}"
        answer = follow.follow(request, home, send, lambda one: follow.location(one, home, f"{what}: redirect"), what)
        if answer.status != 200:
            answer.close()
            hint = " (is it the login, repo_username and repo_password?)" if answer.status in (401, 403) else ""
            raise Refused(f"{shown}: the server answers {describe(answer)}{hint}", url=shown, status=answer.status)
        return answer


def without_query(url: str) -> str:
    """An URL as it may be shown: a query can hold a signature."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def absolute(base: str, url: str) -> str:
    """The URL of something that an index at `base` names, which may be relative to it."""
    return urljoin(f"{base.rstrip('/')}/", url)
