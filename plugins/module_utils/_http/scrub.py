# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a registry, made fit for a message: no secret of ours, no control characters, no flood."""

from __future__ import annotations

import base64
import typing as t

from .._shared import strict_json
from .._shared.strict_json import MalformedJson

_MINIMUM = 3  # masking "a" would spoil every message and hide nothing


def keep_to_ourselves(secret: str) -> None:
    """The sink of secrets where no Ansible is there to mask them."""
    del secret


class Scrubber:
    """Remembers the secrets of a task and takes them out of text; hands each on, so that Ansible masks it as well."""

    def __init__(self, register_secret: t.Callable[[str], None] = keep_to_ourselves) -> None:
        self._register = register_secret
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """From now on `secret` is masked, here and in all output of the task."""
        if secret and secret not in self._secrets:
            self._secrets.add(secret)
            self._register(secret)

    def add_login(self, username: str, password: str) -> str:
        """The value of a Basic `Authorization` header, which is as secret as the password in it."""
        encoded = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
        self.add(password)
        self.add(encoded)
        return f"Basic {encoded}"

    def clean(self, text: str, limit: int = 300) -> str:
        """At most `limit` characters of `text` on one line, secrets masked."""
        # A copy, since other threads add. The longest first: a secret may be part of another.
        for secret in sorted(self._secrets.copy(), key=len, reverse=True):
            if len(secret) >= _MINIMUM:
                text = text.replace(secret, "***")
        # Neither terminal controls nor text that runs backwards.
        text = " ".join("".join(char if char.isprintable() else " " for char in text[: limit * 8]).split())
        return text if len(text) <= limit else text[:limit] + "…"

    def reason(self, body: bytes) -> tuple[str, str]:
        """Code and text of the first error in distribution-spec's error document; else the body itself as text."""
        try:
            first = strict_json.load_object(body, "error")["errors"][0]
            code, message = str(first.get("code", "")), str(first.get("message", ""))
        except (MalformedJson, LookupError, TypeError, AttributeError):
            page = body[:1] == b"<"  # HTML says nothing to a person who reads a task's result
            return "", "" if page else self.clean(body.decode("utf-8", "replace"))
        code = self.clean(code, 60)
        return code, ": ".join(part for part in (code, self.clean(message)) if part)
