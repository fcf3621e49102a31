# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with a git host's API: JSON both ways, bounded in time and size, never redirected.

A redirect is refused since it would carry the token to somewhere else; hosts answer with one where a repository was
renamed, and the new name is what should be given.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlencode

from .._http import errors as http
from .._http.client import Client, Reply
from .._http.settings import HttpSettings
from .._http.tls import make_tls
from .._http.urls import Origin
from .._shared import strict_json
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .._shared.strict_json import MalformedJson
from . import errors

LIMIT = 4 * 1024 * 1024  # bytes of an answer
RETRIES = 2
SILENCES = 4  # the deadline of an exchange, with its retries and pauses, in timeouts
_LATER = frozenset({429, 502, 503, 504})
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
    register_secret: t.Callable[[str], None] = field(default=keep_to_ourselves, repr=False)

    @property
    def http(self) -> HttpSettings:
        """The same for the HTTP client."""
        return HttpSettings(
            ca_path=self.ca_path or None,
            only_ca=True,
            verify=self.validate_certs,
            insecure=self.insecure,
            timeout=self.timeout,
            deadline=self.timeout * SILENCES,
            retries=RETRIES,
            later=_LATER,
            kind="host",
        )


class Transport:
    """Requests to one host. Reading is tried again; what changes something is sent once."""

    def __init__(self, settings: Settings, *, wait: t.Callable[[float], None] = time.sleep) -> None:
        _check(settings)
        self.base = settings.base
        self._settings = settings
        self._client = Client(
            settings.base,
            settings.http,
            headers=lambda: settings.headers,
            register_secret=settings.register_secret,
            sleep=wait,
        )

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
        target = f"{path}?{urlencode(query)}" if query else path
        body = None if document is None else strict_json.compact(document)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            reply = self._client.ask(method, target, body=body, headers=headers, limit=LIMIT, repeat=method == "GET")
        except http.Unreachable as error:
            raise errors.Unreachable(error.message, host=self.base, cause=error.details["cause"]) from None
        except http.HttpError as error:
            raise errors.BadAnswer(f"{self.base}: {error.message}", host=self.base) from None
        return self._value(method, path, reply)

    def _value(self, method: str, path: str, reply: Reply) -> t.Any:
        if 200 <= reply.status < 300:
            try:
                return strict_json.loads(reply.body, f"{self.base}{path}") if reply.body else None
            except MalformedJson as error:
                raise errors.BadAnswer(f"{error.message} (is this the address of its API?)", host=self.base) from None
        raise self._error(method, path, reply.status, reply.body)

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


def _check(settings: Settings) -> None:
    what = "must be https://host[:port], without credentials in it"
    try:
        origin = Origin.of(settings.base, "url")
    except http.BadAnswer:
        raise InvalidOption("url", what) from None
    if "?" in settings.base or "#" in settings.base:
        raise InvalidOption("url", what)
    if origin.scheme == "http" and not settings.insecure and not origin.loopback:
        raise InvalidOption(
            "url", f"{settings.base} is plain HTTP, and the token would be read on the way; set insecure"
        )
    if settings.ca_path:
        make_tls(settings.http)  # says now what is wrong with the file
