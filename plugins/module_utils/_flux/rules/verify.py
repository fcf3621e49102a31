# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for `verify`: what source-controller would refuse, and above all what it would take without proving anything.

Source: source-controller v1.10.1 (verifySignature in ocirepository_controller.go, internal/oci/cosign/cosign.go) and
cosign 3's pkg/cosign/verify.go.
"""

from __future__ import annotations

import typing as t

from .. import names
from ..declare.source import Source, Verify
from ..version import BUNDLES, BUNDLES_OVER_PLAIN_HTTP, finds_bundles
from . import identity
from .go_regexp import InvalidPattern
from .rule import Problem, Rule

PROVIDERS = ("cosign", "notation")
_ALTERNATIVES = (
    "Flux takes only one for signatures in the bundle format. Those of one issuer are joined; joined across issuers,"
    " each could vouch for the others' subjects: use one source for each issuer, or legacy signatures and their"
    " signature_format"
)
_SIGN_LEGACY = "sign with format legacy, and say so with signature_format"


def _unverified(source: Source) -> t.Iterator[Problem]:
    if source.verify is None:
        yield "unverified", "Flux will apply whatever is pushed to this repository, signed or not"


def _provider(source: Source) -> t.Iterator[Problem]:
    if source.verify and source.verify.provider not in PROVIDERS:
        yield "verify.provider", f"{source.verify.provider!r} is not one of {', '.join(PROVIDERS)}"


def _names(source: Source) -> t.Iterator[Problem]:
    verify = source.verify or Verify()
    for option in ("secret_ref", "trusted_root_secret_ref"):
        value = getattr(verify, option)
        reason = names.wrong_subdomain(value) if value is not None else None
        if reason:
            yield f"verify.{option}", reason


def _key_and_identity(source: Source) -> t.Iterator[Problem]:
    verify = source.verify
    if verify and verify.provider == "cosign" and verify.secret_ref and verify.match_oidc_identity is not None:
        yield (
            "verify.match_oidc_identity",
            "Flux ignores it while verify.secret_ref is given, and asks for that key only: give one of the two",
        )


def _no_identity(source: Source) -> t.Iterator[Problem]:
    verify = source.verify
    if verify and verify.provider == "cosign" and verify.secret_ref is None and not verify.match_oidc_identity:
        yield (
            "verify.match_oidc_identity",
            "with neither an identity nor verify.secret_ref, Flux takes a signature by anybody: say who may sign",
        )


def _several_identities(source: Source) -> t.Iterator[Problem]:
    given = (source.verify.match_oidc_identity if source.verify else None) or ()
    if len(given) > 1 and source.signature_format != "legacy":
        yield "verify.match_oidc_identity", _ALTERNATIVES


def _patterns(fatal: bool) -> t.Callable[[Source], t.Iterator[Problem]]:
    def check(source: Source) -> t.Iterator[Problem]:
        for place, one in enumerate((source.verify.match_oidc_identity if source.verify else None) or ()):
            for what, pattern in (("issuer", one.issuer), ("subject", one.subject)):
                reason = _weak(pattern, t.cast("identity.What", what), one.issuer, fatal)
                if reason:
                    yield f"verify.match_oidc_identity[{place}].{what}", f"{_quoted(pattern)} {reason}"

    return check


def _quoted(pattern: str) -> str:
    """As YAML takes it, ready to be copied: repr would double the backslashes."""
    return f"'{pattern[:200]}'" if pattern.isprintable() else repr(pattern[:200])


def _weak(pattern: str, what: identity.What, issuer: str, fatal: bool) -> str | None:
    try:
        found = identity.weakness(pattern, what, issuer)
    except InvalidPattern as error:
        return f"is no regular expression of Go's: {error.message}" if fatal else None
    return found.reason if found and found.fatal == fatal else None


def _root_with_key(source: Source) -> t.Iterator[Problem]:
    verify = source.verify
    if verify and verify.trusted_root_secret_ref and (verify.secret_ref or verify.provider != "cosign"):
        why = "while verify.secret_ref is given" if verify.provider == "cosign" else "for notation"
        yield "verify.trusted_root_secret_ref", f"Flux ignores it {why}: it serves keyless signatures by cosign only"


def _notation(source: Source) -> t.Iterator[Problem]:
    verify = source.verify
    if not verify or verify.provider != "notation":
        return
    if not verify.secret_ref:
        yield "verify.secret_ref", "notation needs it: a Secret with trustpolicy.json and the certificates"
    if verify.match_oidc_identity is not None:
        yield "verify.match_oidc_identity", "Flux ignores it for notation: name who may sign in the trust policy"


def _keyless_proxy(source: Source) -> t.Iterator[Problem]:
    if source.proxy_secret_ref and source.verify and source.verify.match_oidc_identity:
        yield "proxy_secret_ref", "Flux fetches Sigstore's trust root without this proxy when it verifies an identity"


def _legacy_only(wanted: tuple[str, ...]) -> t.Callable[[Source], t.Iterator[Problem]]:
    def check(source: Source) -> t.Iterator[Problem]:
        if _is_cosign(source) and source.signature_format in wanted:
            yield (
                "signature_format",
                f"Flux before {BUNDLES.release} finds no signature in the bundle format: {_SIGN_LEGACY}",
            )

    return check


def _bundle_over_http(wanted: tuple[str, ...]) -> t.Callable[[Source], t.Iterator[Problem]]:
    def check(source: Source) -> t.Iterator[Problem]:
        host = source.url.removeprefix("oci://").partition("/")[0]
        found = finds_bundles(BUNDLES, host, plain_http=bool(source.insecure))
        if _is_cosign(source) and not found and source.signature_format in wanted:
            where = f"Flux before {BUNDLES_OVER_PLAIN_HTTP.release} finds no signature in the bundle format"
            yield "insecure", f"{where} over plain HTTP: {_SIGN_LEGACY}, or use TLS"

    return check


def _is_cosign(source: Source) -> bool:
    return source.verify is not None and source.verify.provider == "cosign"


RULES = (
    Rule("verify-off", _unverified, severity="warning"),
    Rule("verify-provider", _provider),
    Rule("verify-names", _names),
    Rule("key-and-identity", _key_and_identity),
    Rule("identity-missing", _no_identity),
    Rule("identities-with-bundles", _several_identities, since=BUNDLES),
    Rule("identity-lets-anybody-in", _patterns(fatal=True)),
    Rule("identity-loose", _patterns(fatal=False), severity="warning"),
    Rule("trusted-root-ignored", _root_with_key),
    Rule("notation", _notation),
    Rule("keyless-proxy", _keyless_proxy, severity="warning"),
    Rule("bundle-unread", _legacy_only(("bundle",)), until=BUNDLES),
    Rule("bundle-maybe-unread", _legacy_only(("auto",)), severity="warning", until=BUNDLES),
    Rule("bundle-over-http", _bundle_over_http(("bundle",)), since=BUNDLES, until=BUNDLES_OVER_PLAIN_HTTP),
    Rule(
        "bundle-maybe-over-http",
        _bundle_over_http(("auto",)),
        severity="warning",
        since=BUNDLES,
        until=BUNDLES_OVER_PLAIN_HTTP,
    ),
)
