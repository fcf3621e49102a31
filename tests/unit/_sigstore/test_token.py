# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity tokens: what is wrong with one is said before it goes anywhere."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._sigstore import token
from ansible_collections.proven.gitops.plugins.module_utils._sigstore.errors import NoToken, SigstoreError, WrongClock

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
SECONDS = int(NOW.timestamp())
CLAIMS = {"iss": "https://issuer.example", "aud": "sigstore", "sub": "subject", "exp": SECONDS + 60, "iat": SECONDS}


def jwt(**more: t.Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **more}.items() if value is not None}
    parts = ({"alg": "none"}, claims)
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts), "c2ln"]
    )


@pytest.mark.parametrize(
    ("claims", "identity"),
    [
        ({}, "subject"),
        ({"email": "me@lab.example"}, "me@lab.example"),
        ({"job_workflow_ref": "o/r/.github/workflows/x.yml@refs/heads/main"}, "https://github.com/o/r/.github/workflows/x.yml@refs/heads/main"),
        ({"ci_config_ref_uri": "gitlab.com/o/r//.gitlab-ci.yml@refs/heads/main"}, "https://gitlab.com/o/r//.gitlab-ci.yml@refs/heads/main"),
        ({"aud": ["other", "sigstore"], "sub": "ünïcode"}, "ünïcode"),
    ],
)  # fmt: skip
def test_whom_it_names(claims: dict[str, t.Any], identity: str) -> None:
    found = token.parse(f"{jwt(**claims)}\n", "token", NOW)
    assert (found.identity, found.issuer, found.expires) == (identity, "https://issuer.example", SECONDS + 60)
    assert found.raw not in repr(found)


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        ("", NoToken, "token: not an identity token, which is three parts"),
        ("a.b", NoToken, "three parts"),
        ("a.b.c", NoToken, "its claims cannot be read"),
        (jwt(exp=None), NoToken, "no issuer (iss) or no expiry (exp)"),
        (jwt(iss=5), NoToken, "no issuer"),
        (jwt(aud="other"), NoToken, "token: the token is for the audience 'other'; ask for one with 'sigstore'"),
        (jwt(aud=None), NoToken, "audience"),
        (jwt(exp=SECONDS), NoToken, "the token expired at 2026-06-01 12:00:00 UTC; give a new one"),
        (jwt(nbf=SECONDS + 3600), WrongClock, "valid from 2026-06-01 13:00:00 UTC, and the clock of this machine says"),
    ],
)
def test_what_is_wrong_with_it(raw: str, kind: type[SigstoreError], reason: str) -> None:
    with pytest.raises(kind) as caught:
        token.parse(raw, "token", NOW)
    assert reason in caught.value.message
    assert len(raw) < 10 or raw not in caught.value.message
