# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity tokens: looked at before they are sent anywhere, so that what is wrong with one is said plainly.

The signature is Fulcio's to verify. Sources: RFC 7519 (JWT); OpenID Connect Core 1.0, 2; fulcio, docs/oidc.md.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from .._shared import base64, shapes, strict_json
from .errors import NoToken, WrongClock

AUDIENCE = "sigstore"
_SKEW = 60  # seconds
_LONGEST = 64 * 1024  # characters
_GITHUB, _GITLAB = "job_workflow_ref", "ci_config_ref_uri"


@dataclass(frozen=True)
class IdentityToken:
    """A token, whom it names as far as that can be told beforehand, and until when it can be used (Unix seconds)."""

    raw: str = field(repr=False)
    issuer: str
    identity: str
    expires: int

    def expired(self, now: datetime.datetime) -> bool:
        return now.timestamp() >= self.expires


def parse(raw: str, where: str, now: datetime.datetime) -> IdentityToken:
    """NoToken names `where` it came from, and says what is wrong with it; WrongClock, that the time may be."""
    claims = _claims(raw.strip(), where)
    issuer, audience, expires = claims.get("iss"), claims.get("aud"), claims.get("exp")
    if not isinstance(issuer, str) or not isinstance(expires, (int, float)) or isinstance(expires, bool):
        raise NoToken(f"{where}: not an identity token: it has no issuer (iss) or no expiry (exp)")
    if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        said = ", ".join(shapes.text(one) for one in (audience if isinstance(audience, list) else [audience]))[:200]
        raise NoToken(f"{where}: the token is for the audience {said or 'of nobody'!r}; ask for one with {AUDIENCE!r}")
    begins = max((shapes.number(claims.get(name)) for name in ("nbf", "iat")), default=0)
    if begins > now.timestamp() + _SKEW:
        raise WrongClock(
            f"{where}: the token is valid from {_utc(begins)} UTC, and the clock of this machine says"
            f" {now:%Y-%m-%d %H:%M:%S}; set it right"
        )
    token = IdentityToken(raw.strip(), issuer, _identity(claims), int(expires))
    if token.expired(now):
        raise NoToken(f"{where}: the token expired at {_utc(token.expires)} UTC; give a new one")
    return token


def _utc(seconds: float) -> str:
    try:
        return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "an unknown time"


def _claims(raw: str, where: str) -> dict[str, t.Any]:
    parts = raw.split(".")
    if len(raw) > _LONGEST or len(parts) != 3 or not all(parts):
        raise NoToken(f"{where}: not an identity token, which is three parts with dots between them (a JWT)")
    try:
        return strict_json.load_object(
            base64.decode_either(parts[1] + "=" * (-len(parts[1]) % 4)), "the token's claims"
        )
    except (base64.NotBase64, strict_json.MalformedJson):
        raise NoToken(f"{where}: not an identity token: its claims cannot be read") from None


def _identity(claims: t.Mapping[str, t.Any]) -> str:
    """Whom Fulcio will name in the certificate, of what it knows by itself; another service may be set otherwise."""
    for name, prefix in (("email", ""), (_GITHUB, "https://github.com/"), (_GITLAB, "https://")):
        if isinstance(claims.get(name), str):
            return f"{prefix}{claims[name]}"
    return shapes.text(claims.get("sub"))
