# SPDX-License-Identifier: GPL-3.0-or-later
"""Trusted roots and signing configs as they are read."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign import signing_config, trusted_root
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_config import Service
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def service(
    url: str, version: int = 1, operator: str = "a", start: str = "2020-01-01T00:00:00Z", **valid: str
) -> t.Any:
    valid_for = {"start": start, **valid}
    return {"url": url, "majorApiVersion": version, "operator": operator, "validFor": valid_for}


def config(**more: t.Any) -> bytes:
    return json.dumps({"mediaType": signing_config.MEDIA_TYPE, **more}).encode()


def parse(raw: bytes) -> signing_config.SigningConfig:
    return signing_config.parse(raw, "signing_config", NOW)


def test_the_newest_api_of_each_operator_that_is_valid_today() -> None:
    found = parse(
        config(
            caUrls=[service("https://new.example", start="2027-01-01T00:00:00Z"), service("https://ca.example/")],
            rekorTlogUrls=[
                service("https://v1.example"),
                service("https://v2.example", 2),
                service("https://v3.example", 3),
                service("https://old.example", 2, "b", end="2025-01-01T00:00:00Z"),
                service("https://b.example", 1, "b"),
            ],
            rekorTlogConfig={"selector": "ALL"},
            tsaUrls=[service("https://one.example/t"), service("https://two.example/t", operator="b")],
            tsaConfig={"selector": "ANY"},
        )
    )
    assert found.fulcio == Service("https://ca.example", 1)
    assert found.logs == (Service("https://v2.example", 2), Service("https://b.example", 1))
    assert found.timestamps == (Service("https://one.example/t", 1),)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "the signing config: "),
        (b'{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}', "not a signing config"),
        (config(caUrls=[service("ftp://x")]), "caUrls: 'ftp://x' is not the address of a service"),
        (config(caUrls=[service("https://x", start="soon")]), "'soon' is not a time"),
        (
            config(rekorTlogUrls=[service("https://x")], rekorTlogConfig={"selector": "EXACT", "count": 2}),
            "asks for 2 of rekorTlogUrls, and 1 are valid today",
        ),
    ],
)
def test_what_is_no_signing_config(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidOption, match=r"^signing_config: ") as caught:
        parse(raw)
    assert reason in caught.value.message


def root(**more: t.Any) -> bytes:
    authority = {"certChain": {"certificates": [{"rawBytes": "AA=="}]}}
    value = {"mediaType": f"{trusted_root.MEDIA_TYPE}+json;version=0.1", "certificateAuthorities": [authority]}
    return json.dumps({**value, "tlogs": [{"baseUrl": "https://log.example"}], **more}).encode()


def test_a_trusted_root() -> None:
    found = trusted_root.parse(root(), "trusted_root")
    assert (found.logs, found.authorities, found.timestamp_authorities) == (("https://log.example",), 1, 0)
    assert found.flux_reason == ""
    assert "baseUrl" in trusted_root.parse(root(tlogs=[{}]), "trusted_root").flux_reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"no", "the trusted root: "),
        (config(), "a signing config, where the trusted root is expected"),
        (b'{"signed":{},"signatures":[]}', "metadata of a TUF repository"),
        (b"{}", "not a trusted root: its mediaType is ''"),
        (root(certificateAuthorities=[]), "no certificate authority"),
        (root(tlogs=[]), "without a transparency log"),
        (b" " * (trusted_root.MAX_SIZE + 1), "more than"),
    ],
)
def test_what_is_no_trusted_root(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidOption, match=r"^trusted_root: ") as caught:
        trusted_root.parse(raw, "trusted_root")
    assert reason in caught.value.message
