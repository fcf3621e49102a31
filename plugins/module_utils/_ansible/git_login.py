# SPDX-License-Identifier: GPL-3.0-or-later
"""What lets in at a git repository or its host, among a module's options: a token, or an SSH key and known hosts.

The variables of each family begin with a `prefix` of its own: what pushes is one credential, what pulls is another.
"""

from __future__ import annotations

import typing as t

from .argspec import ArgumentSpec, Params, Register, variable, variables


def token_options(prefix: str, also: t.Mapping[str, tuple[str, ...]] | None = None, **username: t.Any) -> ArgumentSpec:
    """`username` and `token`; `also` has further variables of each, `username` what else there is to say of that."""
    more = also or {}
    return ArgumentSpec(
        options={
            "username": variable("str", f"{prefix}USERNAME", *more.get("username", ()), **username),
            "token": variable("str", f"{prefix}TOKEN", *more.get("token", ()), no_log=True, aliases=["password"]),
        }
    )


def ssh_options(prefix: str) -> ArgumentSpec:
    """A private key and the hosts that it is for, each by path or content."""
    option = variables(prefix)
    return ArgumentSpec(
        options={
            "privatekey_path": option("path", "PRIVATEKEY_PATH", no_log=False),
            "privatekey_content": option("str", "PRIVATEKEY_CONTENT", no_log=True),
            "known_hosts_path": option("path", "KNOWN_HOSTS_PATH"),
            "known_hosts": option("str", "KNOWN_HOSTS"),
        },
        mutually_exclusive=(("privatekey_path", "privatekey_content"), ("known_hosts_path", "known_hosts")),
    )


def https_options(prefix: str, *, timeout: int) -> ArgumentSpec:
    """Whom to trust over HTTPS, whether to go without it, and how many seconds to wait."""
    option = variables(prefix)
    return ArgumentSpec(
        options={
            "ca_path": option("path", "CA_PATH"),
            "validate_certs": option("bool", "VALIDATE_CERTS", default=True),
            "insecure": option("bool", "INSECURE", default=False),
            "timeout": option("int", "TIMEOUT", default=timeout),
        }
    )


def token_of(params: Params, register: Register) -> str:
    """The token, masked from now on. One that was read from a file ends with a line break."""
    token = (params["token"] or "").strip()
    register(token)
    return token
