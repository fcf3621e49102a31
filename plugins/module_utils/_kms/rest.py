# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with a store that speaks JSON: bounded in time and size, never redirected, with the port's errors."""

from __future__ import annotations

import time
import typing as t

from .._http import errors as http
from .._http.client import Client
from .._http.urls import Origin
from .._shared import strict_json
from .._shared.scrub import Scrubber
from .._shared.shapes import mapping
from .._shared.strict_json import MalformedJson
from . import errors

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Named

LIMIT = 256 * 1024  # bytes of an answer; a key with a hundred versions takes less

Value = dict[str, t.Any]
Headers = t.Callable[[], t.Mapping[str, str]]


class Rest:
    """A service at `base`, asked for the key `named`. Thread-safe."""

    def __init__(
        self,
        named: Named,
        base: str,
        access: Access,
        headers: Headers,
        *,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._named = named
        self._headers = headers
        self._scrubber = Scrubber(access.register_secret)
        self.base = self._checked(base.rstrip("/"), insecure=bool(access.http.insecure))
        self._client = Client(
            self.base,
            access.http,
            headers=self._credentials,
            register_secret=access.register_secret,
            peer=f"{named.where}: {self.base}",
            sleep=sleep,
        )

    def get(self, path: str) -> Value:
        """The object at `path`; NoSuchKey for a 404."""
        return self._send("GET", path, None)

    def send(self, method: str, path: str, document: Value, *, repeat: bool = True) -> Value:
        """What the service makes of `document`. A signature may be asked for twice; a key is made once."""
        return self._send(method, path, document, repeat=repeat)

    def _checked(self, base: str, *, insecure: bool) -> str:
        """`base`; InvalidOption where credentials may not go there."""
        try:
            origin = Origin.of(base, "address")
        except http.BadAnswer:
            raise self._named.invalid("its server must be http[s]://host[:port], without credentials in it") from None
        if "?" in base or "#" in base:
            raise self._named.invalid("its server must be http[s]://host[:port], without a query")
        if origin.scheme == "http" and not origin.loopback and not insecure:
            raise self._named.invalid(f"{base} is plain HTTP, where the token can be read on the way; use https")
        return base

    def _credentials(self) -> t.Mapping[str, str]:
        found = self._headers()
        for sent in found.values():
            self._scrubber.add(sent.rpartition(" ")[2])
        return found

    def _send(self, method: str, path: str, document: Value | None, *, repeat: bool = True) -> Value:
        body = None if document is None else strict_json.compact(document)
        headers = {} if body is None else {"Content-Type": "application/json"}
        uri = self._named.uri
        try:
            reply = self._client.ask(method, path, body=body, headers=headers, limit=LIMIT, repeat=repeat)
        except http.Unreachable as error:
            raise errors.Unreachable(error.message, key=uri, cause=error.details.get("cause")) from None
        except http.HttpError as error:
            raise errors.BadAnswer(f"{self._named.where}: {error.message}", key=uri) from None
        if not 200 <= reply.status < 300:
            raise self._error(reply.status, reply.body)
        try:
            return strict_json.load_object(reply.body, "the answer") if reply.body else {}
        except MalformedJson as error:
            raise self._named.bad(f"gives what is not JSON: {error.message} (is {self.base} its address?)") from None

    def _error(self, status: int, body: bytes) -> errors.KeyStoreError:
        kinds: dict[int, tuple[type[errors.KeyStoreError], str]] = {
            401: (errors.Forbidden, "does not accept the credentials"),
            403: (errors.Forbidden, "does not allow this with these credentials"),
            404: (errors.NoSuchKey, "has no such key"),
        }
        kind, words = kinds.get(status, (errors.Rejected, "refuses"))
        said = self._said(body)
        text = f"{self._named.where}: {self.base} {words} ({status}{f': {said}' if said else ''})"
        return kind(text, key=self._named.uri, status=status)

    def _said(self, body: bytes) -> str:
        """The service's own words, with no secret in them."""
        try:
            value = strict_json.load_object(body, "error")
        except MalformedJson:
            return ""
        error, listed = value.get("error"), value.get("errors")
        words = mapping(error).get("message") or (error if isinstance(error, str) else value.get("message"))
        text = words if isinstance(words, str) else "; ".join(map(str, listed)) if isinstance(listed, list) else ""
        return self._scrubber.clean(text)
