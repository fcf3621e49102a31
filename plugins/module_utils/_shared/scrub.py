# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign text made fit for a message: no secret in any encoding that we send, no control characters, no flood. Pure.

Foreign is what a program, a peer or a library says. Whatever of it goes into a result goes through a Scrubber first.
"""

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote, quote_plus

from . import strict_json
from .base64 import salvage
from .strict_json import MalformedJson

MASK = "***"
_MINIMUM = 3  # characters: masking "a" would spoil every message and hide nothing
_LINE = 8  # characters: a line of a key that is shorter says nothing of it, and stands in other texts
_INSIDE = 8  # bytes that make a piece of base64 which stands for nothing else

_USERINFO = re.compile(r"(?<=://)[^/@\s'\"]+@")
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:(?:basic|bearer)\s+)?)[^\s'\"]+")
# As html.escape does, whose import takes longer than all that is done with it.
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
# Servers write what they like on our standard error ("remote: …"), terminal escapes too.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# The public half inside a private RSA key, up to the length of its modulus: OpenSSH's format, and PKCS #1 or #8.
_SSH_RSA = re.compile(rb"\x00\x00\x00\x07ssh-rsa\x00\x00\x00.{2,9}?\x00\x00(..)(?=\x00)", re.DOTALL)
_MODULUS = re.compile(rb"\x02\x82(..)(?=\x00)", re.DOTALL)


def keep_to_ourselves(secret: str) -> None:
    """The sink of secrets where no Ansible is there to mask them."""
    del secret


def forms(secret: str) -> frozenset[str]:
    """Each text that would give `secret` away: raw, quoted for URLs, JSON, HTML and Python, and in base64.

    Of several lines each is secret as well, and so are the decoded and the trimmed text.
    """
    lines = [line.strip() for line in re.split(r"\n|\\n", secret.strip())]
    whole = {secret, secret.strip()}
    parts = {line for line in lines if len(line) > _LINE and "-----" not in line} if len(lines) > 1 else set()
    parts -= _public_lines(parts, lines)
    found = {form for part in whole | parts for form in (*_written(part), *_encoded(part))}
    if not parts:  # in a Secret of Kubernetes a docker config is base64 of what holds base64
        found |= {form for once in _encoded(secret.strip()) for form in _encoded(once)}
    return frozenset(form for form in found if len(form) >= _MINIMUM)


def _public_lines(parts: t.Collection[str], lines: t.Sequence[str]) -> set[str]:
    """Those lines of a private key that its public key has as well: masked, they would hide that one, too."""
    body = salvage("".join(line for line in lines if "-----" not in line)) if "PRIVATE KEY" in lines[0] else b""
    found = _SSH_RSA.search(body) or _MODULUS.search(body)
    public = body[found.start() : found.end() + int.from_bytes(found[1], "big")] if found else b""
    texts = [base64.b64encode(bytes(shift) + public).decode() for shift in range(3)] if public else []
    return {part for part in parts if any(part in text for text in texts)}


def _written(text: str) -> set[str]:
    """As languages and protocols write it down."""
    data = text.encode("utf-8", "surrogatepass")
    quoted = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text.translate(_HTML)}
    quoted |= {repr(text)[1:-1], repr(data)[2:-1]}
    return {text, quote(data), quote(data, safe=""), quote_plus(data), *quoted}


def _encoded(text: str) -> set[str]:
    """In base64 and base64url: by itself, and wherever it stands in a longer text, as a password does in a login."""
    data = text.encode("utf-8", "surrogatepass")
    found = {base64.b64encode(data).decode(), base64.b64encode(data).decode().rstrip("=")}
    for shift in range(3) if len(data) >= _INSIDE else ():
        encoded = base64.b64encode(bytes(shift) + data).decode()
        found.add(encoded[-(-shift * 4 // 3) : (shift + len(data)) * 4 // 3])
    return found | {form.replace("+", "-").replace("/", "_") for form in found}


class Scrubber:
    """Remembers the secrets of a task and takes them out of text; hands each on, so that Ansible masks it as well.

    Thread-safe: secrets may be added while others clean.
    """

    def __init__(
        self, register_secret: t.Callable[[str], None] = keep_to_ourselves, secrets: t.Iterable[str] = ()
    ) -> None:
        self._register = register_secret
        self._secrets: set[str] = set()
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> frozenset[str]:
        """From now on `secret` is masked, here and in all output of the task; what gives it away, if it is new."""
        if not secret or secret in self._secrets:
            return frozenset()
        self._secrets.add(secret)
        found = forms(secret)
        self._forms = tuple(sorted({*self._forms, *found}, key=len, reverse=True))
        self._register(secret)
        return found | {secret}

    def add_login(self, username: str, password: str) -> str:
        """The value of a Basic `Authorization` header, which is as secret as the password in it."""
        encoded = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
        self.add(password)
        self.add(encoded)
        return f"Basic {encoded}"

    def hide(self, text: str) -> str:
        """`text` with secrets masked, and nothing else changed. The longest first: a form may be part of another."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def lines(self, text: str) -> str:
        """`text` without secrets, the userinfo of addresses and control characters; line ends are kept."""
        text = _AUTHORIZATION.sub(rf"\1{MASK}", _USERINFO.sub(f"{MASK}@", self.hide(text)))
        return _CONTROL.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))

    def clean(self, text: str, limit: int = 300) -> str:
        """At most `limit` characters of `text` on one line, without secrets."""
        # Secrets first, and cut last: half a secret is one, too.
        text = _AUTHORIZATION.sub(rf"\1{MASK}", _USERINFO.sub(f"{MASK}@", self.hide(text)))
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
