# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a repository, in the forms that git-clone(1) calls GIT URLS, cut down to those that are safe. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from .._shared.addresses import is_loopback

Scheme = t.Literal["https", "http", "ssh", "file"]

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9._@+-]*)")
_SCP_LIKE = re.compile(r"(?:(?P<user>[^/:]+)@)?(?P<host>\[[^\]/]+\]|[^/:@]+):(?P<path>.+)")
_HELPER = re.compile(r"[A-Za-z0-9]*::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# How the big forges' access tokens begin; people put them where a user name belongs.
_TOKEN_LIKE = re.compile(r"gh[opsur]_|github_pat_|gl[a-z]{2,6}-|ATBB|[0-9a-f]{40}$")


@dataclass(frozen=True)
class Address:
    """`url` is what git is given and what may be shown: over HTTP it holds no userinfo, in no case a password."""

    url: str
    scheme: Scheme
    host: str = ""
    port: int | None = None
    username: str = ""

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, to which a credential is bound."""
        return f"{self.scheme}://{self.server}"

    @property
    def server(self) -> str:
        """`host[:port]`, for a message."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def over_http(self) -> bool:
        return self.scheme in ("https", "http")

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine by its very name, so that nothing can listen in between."""
        return is_loopback(self.host)


def password_in(text: str, *, written: bool = False) -> str:
    """The password in an address's userinfo, or a token in place of its user name; empty when there is none.

    As it is meant, or as it is `written` there, with its percent-encoding.
    """
    authority = text.partition("://")[2].partition("/")[0]
    userinfo = authority.rpartition("@")[0]
    username, _colon, password = userinfo.partition(":")
    found = password or (username if _TOKEN_LIKE.match(username) else "")
    return found if written else unquote(found)


def parse_address(text: str) -> Address:
    """An address from what a user wrote.

    Taken are `https://`, `http://`, `ssh://`, `file:///`, `[user@]host:path` and an absolute path.
    Raises ValueError with the reason; the reason never repeats userinfo.
    """
    if _CONTROL.search(text) or not text:
        raise ValueError("must not be empty or hold control characters")
    if text.startswith(("/", "file:///")):
        return Address(url=text, scheme="file")
    if " " in text:
        raise ValueError("must not hold blanks")
    if "://" in text:
        return _from_url(text)
    if _HELPER.match(text):
        raise ValueError("remote helpers (name::address) run commands and are not taken")
    scp_like = _SCP_LIKE.fullmatch(text)
    if scp_like is None:
        raise ValueError("must be an https://, ssh:// or file:// URL, user@host:path or an absolute path")
    return _over_ssh(text, scp_like["user"] or "", scp_like["host"], None, scp_like["path"])


def _from_url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not a valid URL") from error
    if password_in(text) or parts.password is not None:
        raise ValueError("must not hold a password or token: it would be seen by others; give it as the option token")
    if parts.scheme == "file":
        raise ValueError("a file:// URL names no host: write file:///path")
    if parts.scheme == "ssh":
        return _over_ssh(text, parts.username or "", _host_of(parts), port, parts.path)
    if parts.scheme in ("https", "http"):
        return _over_http(parts, port)
    raise ValueError(f"the scheme {parts.scheme}:// is not taken: only https, http, ssh and file are")


def _host_of(parts: SplitResult) -> str:
    # urlsplit lowers the host's case and takes the brackets of an IPv6 address away; git wants them back.
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _over_http(parts: SplitResult, port: int | None) -> Address:
    host = _checked_host(_host_of(parts))
    if parts.query or parts.fragment:
        raise ValueError("must not hold a query or a fragment: it would be seen by others")
    if parts.path in ("", "/"):
        raise ValueError("names a host but no repository")
    scheme: Scheme = "https" if parts.scheme == "https" else "http"
    origin = Address(url="", scheme=scheme, host=host, port=port).origin
    username = unquote(parts.username or "")
    return Address(url=origin + parts.path, scheme=scheme, host=host, port=port, username=username)


def _over_ssh(text: str, user: str, host: str, port: int | None, path: str) -> Address:
    _checked_host(host)
    if user and not _USER.fullmatch(user):
        raise ValueError("the user name is not one that ssh could log in with")
    if path.strip("/") == "" or path.startswith("-"):
        raise ValueError("names a host but no repository")
    return Address(url=text, scheme="ssh", host=host, port=port, username=user)


def _checked_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError("names no valid host (an international name must be written in its xn-- form)")
    return host
