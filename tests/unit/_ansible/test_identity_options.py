# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the options of cosign_verify let sign."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._ansible.verify_options import VERIFY, policy
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

DATA = json.loads((Path(__file__).parents[1] / "_cosign" / "vectors" / "keyless.json").read_text())
GITHUB = "https://token.actions.githubusercontent.com"
ME = {"certificate_identity": "me@lab.example", "certificate_oidc_issuer": "https://issuer.example"}
KEYS = {"public_keys": [{"path": None, "uri": None, "content": DATA["by_key"]["public_key"]}]}


def params(**given: t.Any) -> dict[str, t.Any]:
    known = {name: option.get("default") for name, option in VERIFY.options.items()}
    inner = dict.fromkeys(VERIFY.options["certificate_identities"]["options"])
    given["certificate_identities"] = [{**inner, **one} for one in given.get("certificate_identities", [])] or None
    return {**known, "trusted_root": DATA["trusted_root"], "retries": 0, **given}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "public_keys: whom to trust is missing"),
        (
            {"certificate_identity": "me"},
            "certificate_oidc_issuer: exactly one of it and certificate_oidc_issuer_regexp",
        ),
        ({"certificate_oidc_issuer": "https://x"}, "certificate_identity: exactly one of it"),
        ({**ME, "certificate_identity_regexp": "x"}, "certificate_identity: exactly one of it"),
        (
            {"certificate_identities": [{"identity": "me"}]},
            "certificate_identities[0].oidc_issuer: exactly one of it and certificate_identities[0].oidc_issuer_regexp",
        ),
        ({**ME, "trusted_root": "/nowhere"}, "trusted_root: /nowhere cannot be read: No such file or directory"),
        ({**ME, "trusted_root": ""}, "trusted_root: give a file, the document itself"),
        (
            {**ME, "trusted_root": "https://tuf.example"},
            "tuf_root: the first root.json of https://tuf.example is needed",
        ),
        ({**ME, "threshold": 2}, "threshold: it must be between 1 and 1, the number of different keys and identities"),
        ({**ME, "threshold": 0}, "threshold: it must be between 1 and 1"),
        ({**ME, **KEYS, "flux_version": "2.9"}, "flux_version: Flux asks for keys or for identities"),
        ({**ME, "flux_version": "2.8"}, "trusted_root: Flux before 2.9 verifies with the public-good root alone"),
    ],
)
def test_what_is_refused(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        policy(params(**given))
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("subject", "issuer", "reason"),
    [
        (".*", GITHUB, "matches everybody"),
        (".*@refs/heads/main", GITHUB, "begins with a wildcard"),
        ("(?i)https://GitHub\\.com/.*", GITHUB, "anybody can have an account on github.com"),
        ("a(", GITHUB, "is not a regular expression of RE2: missing ): a("),
        ("https://github\\.com/o/.*|.*", GITHUB, "matches everybody"),
    ],
)
def test_patterns_that_let_anybody_in_are_refused_with_one_rule(subject: str, issuer: str, reason: str) -> None:
    with pytest.raises(InvalidOption, match=r"^certificate_identity_regexp: ") as caught:
        policy(params(certificate_identity_regexp=subject, certificate_oidc_issuer=issuer))
    assert reason in caught.value.message


def test_what_is_taken() -> None:
    for given in (
        ME,
        {**ME, "flux_version": "2.9"},
        {**ME, **KEYS, "threshold": 2},
        {**KEYS, "transparency_log": True},
        {"certificate_identity_regexp": r"https://github\.com/o/.*", "certificate_oidc_issuer": GITHUB, "threshold": 5},
        {"certificate_identities": [{"identity": "a", "oidc_issuer": "b"}, {"identity": "c", "oidc_issuer": "d"}]},
    ):
        assert policy(params(**given)).trust is not None
