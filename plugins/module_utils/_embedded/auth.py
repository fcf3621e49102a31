# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: nobody asked, HTTP Basic, or bearer tokens from an endpoint of the registry's own.

Source: RFC 7617 (Basic), RFC 6750 (Bearer) and distribution's token authentication (its "Token Authentication
Specification" and "Token Scope Documentation"). The one user may do everything; a token carries what was asked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import typing as t

from .message import ApiError, Request, Response

if t.TYPE_CHECKING:  # pragma: no cover
    from .credentials import Credentials

_HEADER_LIMIT = 8192


class Access(t.NamedTuple):
    """One thing a request needs: actions (`pull`, `push`, `delete`, `*`) on a resource of a type."""

    kind: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


class Authenticator:
    """Lets everyone in; the base of those that do not."""

    def check(self, request: Request, needed: t.Sequence[Access]) -> None:
        """Raise ApiError (401, with a challenge) unless the request may have all of `needed`."""
        del request, needed

    def grants(self, request: Request, wanted: Access) -> bool:
        """Whether the request may have this as well; asked where the answer is not an error."""
        try:
            self.check(request, (wanted,))
        except ApiError:
            return False
        return True

    def endpoint(self, request: Request) -> Response | None:
        """The answer to a request for a token; None for every other request."""
        del request
        return None


class PasswordCheck:
    """Verifies Basic credentials; scrypt runs once for the right ones, a keyed hash remembers them."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self._key = secrets.token_bytes(32)
        self._known = b""

    def header(self, header: str | None) -> bool:
        """Whether an Authorization header is `Basic` with the right credentials."""
        if header is None or len(header) > _HEADER_LIMIT:
            return False
        fingerprint = hmac.digest(self._key, header.encode(), hashlib.sha256)
        if hmac.compare_digest(fingerprint, self._known):
            return True
        pair = _basic(header)
        if pair is None or not self.credentials.accepts(*pair):
            return False
        self._known = fingerprint
        return True


class Basic(Authenticator):
    """HTTP Basic on every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._passwords = PasswordCheck(credentials)

    def check(self, request: Request, needed: t.Sequence[Access]) -> None:
        del needed  # the one user may do everything
        if not self._passwords.header(request.headers.get("Authorization")):
            challenge = {"WWW-Authenticate": 'Basic realm="proven.gitops registry", charset="UTF-8"'}
            raise ApiError("UNAUTHORIZED", "authentication required", headers=challenge)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _space, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (username, password) if colon else None
