# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with an API server: bounded in time and size, tried again where that is safe, never redirected."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from urllib.parse import urlencode

from .._http import errors as http
from .._http.client import Client
from .errors import BadAnswer, Unreachable

if t.TYPE_CHECKING:  # pragma: no cover
    from .access import Connection

ANSWER_LIMIT = 8 * 1024 * 1024  # bytes; etcd keeps no object larger than 1.5 MiB


@dataclass(frozen=True)
class Answer:
    """Status code and body."""

    status: int
    body: bytes


class Transport:
    """Requests to one API server. Every request of ours may be sent twice: each says what is to be, not what to do."""

    def __init__(self, connection: Connection, *, wait: t.Callable[[float], None] = time.sleep) -> None:
        self.connection = connection
        self._client = Client(
            connection.host,
            connection.settings,
            headers=connection.headers,
            register_secret=connection.register_secret,
            sleep=wait,
        )

    def request(
        self, method: str, path: str, query: t.Mapping[str, str], body: bytes | None = None, media_type: str = ""
    ) -> Answer:
        """The answer, whatever its status but 429 and 5xx that stay. Raises Unreachable and BadAnswer."""
        target = path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", **({"Content-Type": media_type} if media_type else {})}
        host, origin = self.connection.host, self.connection.origin
        try:
            reply = self._client.ask(method, target, body=body, headers=headers, limit=ANSWER_LIMIT)
        except http.Unreachable as error:
            question = f"Is this the right cluster ({origin}), and is it up?"
            raise Unreachable(f"{error.message}. {question}", host=host, cause=error.details["cause"]) from None
        except http.HttpError as error:
            raise BadAnswer(f"{host}: {error.message}", host=host) from None
        return Answer(reply.status, reply.body)
