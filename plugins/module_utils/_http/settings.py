# SPDX-License-Identifier: GPL-3.0-or-later
"""How to talk HTTP: the same for all exchanges of a task with one kind of peer."""

from __future__ import annotations

from dataclasses import dataclass, field

LATER = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class HttpSettings:
    """Whom to trust, who we are, and how long to wait.

    `ca_path` is a file or directory of PEM certificates, trusted in addition to the system's or, with `only_ca`, alone.
    `server_name` stands in for the host in TLS. `insecure` True says that plain HTTP was asked for; None, that at most
    the name of this machine implies it. `proxy` is a proxy's URL, or None for those of the environment, and
    `proxy_option` where it was given.

    `timeout` is in seconds, for connecting and for each silence; `deadline` in seconds, for one operation with its
    retries. `backoff` is the first pause in seconds, then doubled. `later` are the statuses that mean "try again".
    `kind` is what a peer is called in messages, `ca_option` and `insecure_option` what they advise.
    """

    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    only_ca: bool = False
    verify: bool = True
    server_name: str | None = None
    insecure: bool | None = None
    proxy: str | None = field(default=None, repr=False)
    proxy_option: str = "proxy"
    timeout: float = 30.0
    deadline: float = 300.0
    retries: int = 3
    backoff: float = 0.5
    concurrency: int = 4
    user_agent: str = "proven.gitops"
    later: frozenset[int] = LATER
    kind: str = "server"
    ca_option: str = "ca_path"
    insecure_option: str = "insecure"
