# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program printed, made fit for an error message. Pure."""

from __future__ import annotations

import re
import typing as t
from base64 import b64encode
from urllib.parse import quote

_USERINFO = re.compile(r"(?<=://)[^/@\s'\"]+@")
_AUTHORIZATION = re.compile(r"(?i)(authorization:\s*\S+\s+)\S+")
# Servers write what they like on our standard error ("remote: …"), terminal escapes too.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Scrubber:
    """Takes secrets, in every form they could be printed in, out of text."""

    def __init__(self, secrets: t.Iterable[str] = (), username: str = "") -> None:
        forms: set[str] = set()
        for secret in filter(None, secrets):
            basic = b64encode(f"{username}:{secret}".encode()).decode()
            forms |= {secret, quote(secret, safe=""), quote(secret), basic, b64encode(secret.encode()).decode()}
        # The longest first: one form can be a part of another.
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets, userinfo and control characters; line ends are kept."""
        for form in self._forms:
            text = text.replace(form, "***")
        text = _AUTHORIZATION.sub(r"\1***", _USERINFO.sub("***@", text))
        return _CONTROL.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
