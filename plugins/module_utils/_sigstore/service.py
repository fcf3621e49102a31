# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange with a service of Sigstore, within our deadline and with our retries, never redirected."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._http import errors as http
from .._http.client import Client, Reply
from .._http.settings import HttpSettings
from .._http.urls import Origin
from .._shared import shapes, strict_json
from .._shared.scrub import keep_to_ourselves
from . import errors

LIMIT = 1 << 20  # bytes of an answer; a certificate chain takes 5000, a log entry 8000
_SILENCE = 20.0  # seconds; Rekor v2 answers when an entry is in the log, which takes a while
CONFLICT = 409


class Service:
    """A service at its address. `name` is what a message calls it, `secret` what must not be in its words."""

    def __init__(
        self, name: str, url: str, settings: HttpSettings, register_secret: t.Callable[[str], None] = keep_to_ourselves
    ) -> None:
        self.name = f"{name} at {url}"
        self.url = url
        try:
            self.origin = Origin.of(url, self.name)
        except http.BadAnswer as error:
            raise errors.BadAnswer(error.message) from None
        patient = replace(settings, kind="service", timeout=max(settings.timeout, _SILENCE))
        self._client = Client(url, patient, register_secret=register_secret, peer=self.name)

    def post(self, path: str, body: bytes, headers: t.Mapping[str, str]) -> Reply:
        """Its answer; a kind of SigstoreError where there is none."""
        return self._ask("POST", path, body, headers)

    def get(self, path: str) -> Reply:
        return self._ask("GET", path, None, {"Accept": "application/json"})

    def _ask(self, method: str, path: str, body: bytes | None, headers: t.Mapping[str, str]) -> Reply:
        try:
            return self._client.ask(method, path, body=body, headers=headers, limit=LIMIT)
        except http.Unreachable as error:
            details = {name: error.details[name] for name in ("cause", "attempts", "seconds") if name in error.details}
            raise errors.Unreachable(error.message, service=self.url, **details) from None
        except http.HttpError as error:
            raise self.bad(error.message) from None

    def object(self, reply: Reply) -> dict[str, t.Any]:
        """The JSON object of an answer that is one."""
        try:
            return strict_json.load_object(reply.body, "the answer")
        except strict_json.MalformedJson as error:
            raise self.bad(error.message) from None

    def bad(self, reason: str) -> errors.BadAnswer:
        """An error for an answer that cannot be used."""
        return errors.BadAnswer(f"{self.name}: {reason}", service=self.url)

    def refused(self, reply: Reply, secret: str = "") -> errors.Refused:
        """An error with the service's own reason, without a `secret` in it."""
        said = _said(reply.body)
        said = said.replace(secret, "***") if secret else said
        text = f"{self.name} answers {reply.status}: {said or 'no reason given'}"
        return errors.Refused(text, service=self.url, status=reply.status)


def _said(body: bytes) -> str:
    try:
        value = strict_json.loads(body, "error")
    except strict_json.MalformedJson:
        value = body[:1000].decode("utf-8", "replace")
    return shapes.text(value.get("message") or value.get("error") if isinstance(value, dict) else value)[:300]
