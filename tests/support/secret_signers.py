# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of those who sign without a key file: the token of an identity, and the login of a key store."""

from __future__ import annotations

import base64
import json
import time
import typing as t
from pathlib import Path

from support.secret_plays import Case, Echo, Options, Place

from ansible_collections.proven.gitops.plugins.module_utils._cosign import signing_config

STATEMENT: Options = {"predicate_type": "custom", "predicate": {"a": "b"}}
_RECORDED = Path(__file__).parents[1] / "unit" / "_cosign" / "vectors" / "keyless.json"
_NOWHERE = f"127.0.0.1:9/team/app@sha256:{'a' * 64}"


def keyless(place: Place, echo: Echo, reference: str, login: Options) -> list[Case]:
    """Each module that signs, with an identity token, at a Fulcio that repeats it."""
    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "sigstore", "sub": "me", "exp": now + 3600, "iat": now - 60}
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)] + [place.canaries.add("token").encode()]
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    place.canaries.add("SIGSTORE_ID_TOKEN", token)
    service = {"url": echo.url, "majorApiVersion": 1, "operator": "o", "validFor": {"start": "2020-01-01T00:00:00Z"}}
    config = {"mediaType": signing_config.MEDIA_TYPE, "caUrls": [service], "rekorTlogUrls": [service]}
    given: Options = {
        "reference": reference,
        "keyless": True,
        "oidc_identity_token": token,
        "trusted_root": json.loads(_RECORDED.read_text())["trusted_root"],
        "signing_config": config,
        **login,
    }
    return [Case("cosign_sign", given, fails=True), Case("cosign_attest", {**given, **STATEMENT}, fails=True)]


def key_store(place: Place, echo: Echo) -> list[Case]:
    """Each module that reads or uses a key in a store, with a Vault that repeats the token."""
    names = ("token", "pin")
    login: Options = {name: place.secret("cosign_sign", f"key_store.{name}") for name in names}
    store: Options = {"key_store": {"address": echo.url, "retries": 0, **login}}
    key, public = {"key": "hashivault://release"}, {"public_keys": [{"uri": "hashivault://release"}]}
    tasks: dict[str, Options] = {
        "cosign_sign": {"reference": _NOWHERE, **key},
        "cosign_attest": {"reference": _NOWHERE, **key, **STATEMENT},
        "cosign_verify": {"reference": _NOWHERE, **public},
        "cosign_keypair": key,
        "flux_secret": {"name": "keys", "host": echo.url, **public},
    }
    return [Case(module, t.cast(Options, {**own, **store}), fails=True) for module, own in tasks.items()]
