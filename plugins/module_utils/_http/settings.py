# SPDX-License-Identifier: GPL-3.0-or-later
"""How to talk HTTP: the same for all exchanges of a task with one kind of peer."""

from __future__ import annotations

from dataclasses import dataclass

LATER = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class HttpSettings:
    """`ca_path` is a file or directory of PEM certificates trusted in addition to the system's.

    `timeout` is in seconds, for connecting and for each silence; `deadline` in seconds, for one operation with its
    retries. `backoff` is the first pause in seconds, then doubled. `later` are the statuses that mean "try again".
    `kind` is what a peer is called in messages.
    """

    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 30.0
    deadline: float = 300.0
    retries: int = 3
    backoff: float = 0.5
    concurrency: int = 4
    user_agent: str = "proven.gitops"
    kind: str = "server"
    later: frozenset[int] = LATER
