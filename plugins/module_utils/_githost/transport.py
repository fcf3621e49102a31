# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with a git host's API: JSON both ways, bounded in time and size, never redirected.

A redirect is refused since it would carry the token to somewhere else; hosts answer with one where a repository was
renamed, and the new name is what should be given.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from .._shared import strict_json
from .._shared.errors import InvalidOption
from .._shared.requirements import third_party
from .._shared.strict_json import MalformedJson
from . import errors

with third_party():
    import urllib3
    from urllib3 import exceptions as http_errors

LIMIT = 4 * 1024 * 1024  # bytes of an answer
ATTEMPTS = 3
LONGEST_PAUSE = 20.0  # seconds that a Retry-After may ask for
_BUSY = frozenset({429, 502, 503, 504})
_PAGES = 50

Value = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Settings:
    """Where the API is (`base`, without a slash at its end) and how to get in. `timeout` in seconds."""

    base: str
    headers: t.Mapping[str, str] = field(repr=False)
    ca_path: str = ""
    validate_certs: bool = True
    insecure: bool = False
    timeout: float = 30.0


class Transport:
    """Requests to one host. Reading is tried again; what changes something is sent once."""

    def __init__(self, settings: Settings, *, wait: t.Callable[[float], None] = time.sleep) -> None:
        _check(settings)
        self.base = settings.base
        self._settings = settings
        self._wait = wait
        self._pool = _pool(settings)

    def get(self, path: str) -> Value:
        """The object at `path`. Raises HostError's kinds, NotFound among them."""
        return self._object(path, self._send("GET", path, {}, None))

    def pages(self, path: str, size: str) -> t.Iterator[Value]:
        """All objects of a list that comes in pages; `size` is what the host calls the length of one."""
        for page in range(1, _PAGES + 1):
            listed = self._send("GET", path, {size: "50", "page": str(page)}, None)
            if not isinstance(listed, list):
                raise errors.BadAnswer(f"{self.base}{path}: a list is expected", host=self.base)
            yield from (one for one in listed if isinstance(one, dict))
            if len(listed) < 50:
                return

    def post(self, path: str, document: Value) -> Value:
        """What the host says of the thing that it made."""
        return self._object(path, self._send("POST", path, {}, document))

    def delete(self, path: str) -> None:
        """It is fine if it is gone already."""
        try:
            self._send("DELETE", path, {}, None)
        except errors.NotFound:
            return

    def _object(self, path: str, value: t.Any) -> Value:
        if not isinstance(value, dict):
            raise errors.BadAnswer(f"{self.base}{path}: an object is expected", host=self.base)
        return value

    def _send(self, method: str, path: str, query: t.Mapping[str, str], document: t.Any) -> t.Any:
        address = f"{self.base}{path}" + (f"?{urlencode(query)}" if query else "")
        body = None if document is None else strict_json.compact(document)
        cause = ""
        for attempt in range(1, (ATTEMPTS if method == "GET" else 1) + 1):
            try:
                status, content, asked = self._once(method, address, body)
            except (http_errors.HTTPError, OSError) as error:
                cause, asked = _explain(error, self._settings.timeout), 0.0
            else:
                if status not in _BUSY:
                    return self._value(method, path, status, content)
                cause = f"it answers {status}"
            if attempt < ATTEMPTS and method == "GET":
                self._wait(min(max(0.25 * 2**attempt, asked), LONGEST_PAUSE))
        raise errors.Unreachable(f"{self.base}: {cause}", host=self.base, cause=cause)

    def _once(self, method: str, address: str, body: bytes | None) -> tuple[int, bytes, float]:
        headers = {**self._settings.headers, "User-Agent": "proven.gitops"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = self._pool.request(
            method, address, body=body, headers=headers, retries=False, redirect=False, preload_content=False
        )
        try:
            content: bytes = response.read(LIMIT + 1, decode_content=True)
        finally:
            response.release_conn()
        if len(content) > LIMIT:
            raise errors.BadAnswer(f"{self.base}: an answer of more than {LIMIT} bytes", host=self.base)
        asked = response.headers.get("Retry-After", "")
        return response.status, content, float(asked) if asked.isdecimal() else 0.0

    def _value(self, method: str, path: str, status: int, content: bytes) -> t.Any:
        if 200 <= status < 300:
            try:
                return strict_json.loads(content, f"{self.base}{path}") if content else None
            except MalformedJson as error:
                raise errors.BadAnswer(f"{error.message} (is this the address of its API?)", host=self.base) from None
        raise self._error(method, path, status, content)

    def _error(self, method: str, path: str, status: int, content: bytes) -> errors.HostError:
        said = self._said(content)
        what, details = f"{self.base}: {method} {path}", {"host": self.base, "status": status}
        if status in (401, 403):
            return errors.Unauthorized(f"{what}: the token is not accepted, or may not do this ({said})", **details)
        if status == 404:
            return errors.NotFound(f"{what}: not there, or not to be seen with this token", **details)
        if 300 <= status < 400:
            return errors.Rejected(f"{what}: it was moved: give its new name, and the host's own address", **details)
        return errors.Rejected(f"{what}: not taken ({status}): {said}", **details)

    def _said(self, content: bytes) -> str:
        """The host's own words, with no token of ours in them, wherever it may have put that."""
        try:
            value = strict_json.loads(content, "error")
        except MalformedJson:
            return "no reason given"
        text = value.get("message") or value.get("error") or value if isinstance(value, dict) else value
        more = value.get("errors") if isinstance(value, dict) else None
        said = " ".join(str(part) for part in (text, more) if part)
        for secret in self._settings.headers.values():
            said = said.replace(secret.rpartition(" ")[2], "***")
        return "".join(character if character.isprintable() else " " for character in said)[:300]


def _pool(settings: Settings) -> urllib3.PoolManager:
    context = ssl.create_default_context()
    try:
        if settings.ca_path:
            context = ssl.create_default_context(cafile=settings.ca_path)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidOption("ca_path", f"{settings.ca_path}: {reason}") from None
    if not settings.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    options: dict[str, t.Any] = {"ssl_context": context, "timeout": urllib3.Timeout(settings.timeout)}
    proxy = _proxy(settings.base)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _proxy(base: str) -> str:
    """The proxy that the environment names for this host, as for git and curl."""
    parts = urlsplit(base)
    host = str(parts.hostname)
    excluded = [one.strip().lstrip(".") for one in _variable("no_proxy").split(",") if one.strip()]
    if _is_loopback(host) or "*" in excluded or any(host == one or host.endswith(f".{one}") for one in excluded):
        return ""
    return _variable(f"{parts.scheme}_proxy") or _variable("all_proxy")


def _variable(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper()) or ""


def _check(settings: Settings) -> None:
    try:
        parts = urlsplit(settings.base)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        valid, parts = False, urlsplit("")
    if not valid or parts.query or parts.fragment:
        raise InvalidOption("url", "must be https://host[:port], without credentials in it")
    if parts.scheme == "http" and not settings.insecure and not _is_loopback(str(parts.hostname)):
        raise InvalidOption(
            "url", f"{settings.base} is plain HTTP, and the token would be read on the way; set insecure"
        )


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _explain(error: BaseException, timeout: float) -> str:
    """The cause in a few words, with nothing in it that was sent."""
    inner = getattr(error, "reason", None) or error
    if isinstance(inner, http_errors.NameResolutionError):
        return "the name does not resolve"
    if isinstance(inner, (http_errors.SSLError, ssl.SSLError)):
        return "its certificate is not trusted, or it speaks no TLS; ca_path names the authority"
    if isinstance(inner, http_errors.NewConnectionError):
        return "no connection"
    if isinstance(inner, http_errors.TimeoutError):
        return f"no answer within {timeout:g} s"
    return "the connection broke"
