# SPDX-License-Identifier: GPL-3.0-or-later
"""Bearer authentication with a token endpoint of the registry's own, at `/token`.

Source: distribution's "Token Authentication Specification" (GET) and "OAuth2 Token Authentication" (POST).
A token is `<base64url of JSON>.<base64url of its HMAC>`; nothing is kept about it, so a restart invalidates none.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import re
import time
import typing as t
import urllib.parse

from .auth import Access, Authenticator, PasswordCheck
from .message import ApiError, json_response
from .naming import is_name

if t.TYPE_CHECKING:  # pragma: no cover
    from .credentials import Credentials
    from .message import Request, Response

SERVICE = "proven.gitops"
PATH = "/token"
LIFETIME = 300  # seconds
_REFRESH_LIFETIME = 30 * 24 * 3600
_FORM_LIMIT = 16 * 1024
_SCOPES_LIMIT = 100
_ACTIONS = frozenset({"pull", "push", "delete", "*"})
_SCOPE = re.compile(r"(repository|registry)(?:\([a-z]+\))?:([^:\s]+):([a-z*,]+)")

_Claims = dict[str, t.Any]
_Granted = list[tuple[str, str, list[str]]]


class Bearer(Authenticator):
    """Tokens for those who know the password, or hold a refresh ("identity") token that was given for it."""

    def __init__(self, credentials: Credentials, lifetime: float = LIFETIME) -> None:
        self.lifetime = lifetime
        self._passwords = PasswordCheck(credentials)
        self._credentials = credentials
        self._key = bytes.fromhex(credentials.token_key)

    def check(self, request: Request, needed: t.Sequence[Access]) -> None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        claims = self._claims(token.strip(), "access") if scheme.lower() == "bearer" else None
        if claims is None:
            raise self._challenge(request, needed, "invalid_token" if token else "")
        if not all(_covers(claims["access"], access) for access in needed):
            raise self._challenge(request, needed, "insufficient_scope")

    def endpoint(self, request: Request) -> Response | None:
        if request.path != PATH:
            return None
        if request.method == "GET":
            return self._get_token(request)
        if request.method == "POST":
            return self._post_token(request)
        raise ApiError("UNSUPPORTED", "the token endpoint knows GET and POST")

    def _challenge(self, request: Request, needed: t.Sequence[Access], error: str) -> ApiError:
        fields = {"realm": f"{request.scheme}://{request.host}{PATH}", "service": SERVICE}
        if needed:
            fields["scope"] = " ".join(str(access) for access in needed)
        if error:
            fields["error"] = error
        challenge = "Bearer " + ",".join(f'{name}="{value}"' for name, value in fields.items())
        return ApiError("UNAUTHORIZED", "authentication required", headers={"WWW-Authenticate": challenge})

    def _get_token(self, request: Request) -> Response:
        if not self._passwords.header(request.headers.get("Authorization")):
            challenge = {"WWW-Authenticate": 'Basic realm="token endpoint"'}
            raise ApiError("UNAUTHORIZED", "wrong or no credentials", headers=challenge)
        answer = self._answer(" ".join(request.query.get("scope", [])))
        answer["token"] = answer["access_token"]
        if request.parameter("offline_token") == "true":
            answer["refresh_token"] = self._refresh_token()
        return json_response(answer)

    def _post_token(self, request: Request) -> Response:
        form = _form(request)
        grant = form.get("grant_type")
        if grant == "refresh_token":
            refresh = form.get("refresh_token", "")
            granted = self._claims(refresh, "refresh") is not None
        elif grant == "password":
            refresh = self._refresh_token() if form.get("access_type") == "offline" else ""
            granted = self._credentials.accepts(form.get("username", ""), form.get("password", ""))
        else:
            return json_response({"error": "unsupported_grant_type"}, status=400)
        if not granted:
            return json_response({"error": "invalid_grant"}, status=401)
        answer = self._answer(form.get("scope", ""))
        if refresh:
            answer["refresh_token"] = refresh
        return json_response(answer)

    def _answer(self, scopes: str) -> _Claims:
        now = time.time()
        granted = _granted(scopes)
        issued = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "access_token": self._sign({"use": "access", "exp": now + self.lifetime, "access": granted}),
            "expires_in": int(self.lifetime),
            "issued_at": issued,
            "scope": " ".join(f"{kind}:{name}:{','.join(actions)}" for kind, name, actions in granted),
        }

    def _refresh_token(self) -> str:
        return self._sign({"use": "refresh", "exp": time.time() + _REFRESH_LIFETIME})

    def _sign(self, claims: _Claims) -> str:
        payload = _encode(json.dumps(claims).encode())
        return f"{payload}.{_encode(hmac.digest(self._key, payload.encode(), hashlib.sha256))}"

    def _claims(self, token: str, use: str) -> _Claims | None:
        """What a token of ours says while it is valid; nothing in it is read before its HMAC was right."""
        payload, _dot, signature = token.partition(".")
        expected = _encode(hmac.digest(self._key, payload.encode(), hashlib.sha256))
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return None
        claims: _Claims = json.loads(_decode(payload))
        return claims if claims["use"] == use and time.time() < claims["exp"] else None


def _granted(scopes: str) -> _Granted:
    """Scopes in the order asked for, without those that no resource of ours can have."""
    granted: _Granted = []
    for scope in scopes.split()[:_SCOPES_LIMIT]:
        match = _SCOPE.fullmatch(scope)
        if match is None or not (match.group(2) == "catalog" or is_name(match.group(2))):
            continue
        actions = [action for action in match.group(3).split(",") if action in _ACTIONS]
        granted.append((match.group(1), match.group(2), actions))
    return granted


def _covers(granted: _Granted, needed: Access) -> bool:
    held = {action for kind, name, actions in granted if (kind, name) == needed[:2] for action in actions}
    return "*" in held or held.issuperset(needed.actions)


def _form(request: Request) -> dict[str, str]:
    content = request.body.read_all(_FORM_LIMIT)
    try:
        fields = urllib.parse.parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=32)
    except ValueError:
        return {}
    return dict(fields)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
