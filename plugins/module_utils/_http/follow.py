# SPDX-License-Identifier: GPL-3.0-or-later
"""Redirects, followed step by step, so that what says who we are goes to its own origin alone."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .errors import BadAnswer
from .urls import Origin, check_hop, join

if t.TYPE_CHECKING:  # pragma: no cover
    from .transport import Answer, Request

LIMIT = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def follow(
    request: Request,
    home: Origin,
    send: t.Callable[[Request, bool], Answer],
    target: t.Callable[[Answer], str | None],
    what: str,
) -> Answer:
    """The final answer, whatever its status. `send` is told whether the request is at home.

    Once away, it never is again: not even at home, at a path that another host chose. `target` says where an answer
    leads, None for one that is not to be followed. BadAnswer names `what` for more than LIMIT redirects.
    """
    at_home = True
    for _turn in range(LIMIT + 1):
        at_home = at_home and Origin.of(request.url, request.where) == home
        answer = send(request, at_home)
        url = target(answer) if answer.status in _REDIRECTS else None
        if url is None:
            return answer
        answer.close()
        request = replace(request, url=url, home=home)
    raise BadAnswer(f"{what}: more than {LIMIT} redirects")


def location(answer: Answer, home: Origin, what: str) -> str:
    """Where a redirect leads; BadAnswer where it may not."""
    url = join(answer.request.url, answer.headers.get("Location"), what)
    check_hop(home, Origin.of(answer.request.url, what), Origin.of(url, what), what)
    return url
