# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Secret with keys says of itself, without anything private."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._flux.secrets import trust

Object = dict[str, t.Any]
P384 = """-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY
WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8
6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f
-----END PUBLIC KEY-----
"""


def _secret(**data: bytes | str) -> Object:
    encoded = {
        name.replace("_", "."): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in data.items()
    }
    return {"metadata": {"creationTimestamp": "2026-11-01T00:00:00Z"}, "data": encoded}


def _rules(found: trust.Trust) -> list[str]:
    return [one.rule for one in found.findings("cosign-pub")]


def test_public_keys_by_their_fingerprints() -> None:
    one, two = SigningKey.generate().public, SigningKey.generate().public
    found = trust.read(_secret(b_pub=two.pem, a_pub=one.pem, cosign_key=b"private", cosign_password=b"secret"))
    assert found.describe() == [
        {"name": "a.pub", "fingerprint": one.fingerprint, "kind": "ecdsa-p256", "fault": None},
        {"name": "b.pub", "fingerprint": two.fingerprint, "kind": "ecdsa-p256", "fault": None},
    ]
    assert _rules(found) == []
    assert "private" not in repr(found)
    assert "secret" not in repr(found)


def test_a_secret_without_a_public_key_refuses_everything() -> None:
    found = trust.read(_secret(cosign_txt=b"x"))
    assert found.describe() == []
    [finding] = found.findings("cosign-pub")
    assert (finding.rule, finding.severity) == ("keys-missing", "error")
    assert "no key of the Secret cosign-pub ends in .pub" in finding.reason


def test_a_secret_that_is_not_there_or_not_to_be_seen() -> None:
    assert trust.read(None).describe() is None
    assert _rules(trust.read(None)) == ["keys-missing"]
    assert trust.Trust(None).describe() is None
    assert _rules(trust.Trust(None)) == ["keys-unread"]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"garbage", "PEM"),
        ("not base64!", "not valid base64"),
        (5, "empty"),
        (P384.encode(), "SHA-384"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
    ],
)
def test_a_key_that_flux_cannot_use(value: t.Any, fault: str) -> None:
    found = trust.read(_secret(a_pub=value))
    [key] = found.keys
    assert fault.lower() in key.fault.lower(), key.fault
    assert _rules(found) == ["key-unusable"]


@pytest.mark.parametrize(
    "secret", [{}, {"data": []}, {"metadata": [], "data": {}}, {"metadata": {"managedFields": "x"}}]
)
def test_an_odd_secret_has_no_keys(secret: Object) -> None:
    found = trust.read(secret)
    assert (found.present, found.keys, found.changed) == (True, (), "")


def test_when_it_was_written_last() -> None:
    secret = _secret()
    assert trust.read(secret).changed == "2026-11-01T00:00:00Z"
    secret["metadata"]["managedFields"] = [
        {"time": "2026-11-03T00:00:00Z"},
        {"time": 5},
        {"time": "2026-11-02T00:00:00Z"},
    ]
    assert trust.read(secret).changed == "2026-11-03T00:00:00Z"
