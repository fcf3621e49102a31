# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud KMS by its documented wire, with google-auth itself and a service account that asks the wire for its token."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from support.wire import Wire
from unit._kms.conftest import DATA, DIGEST, Held, b64, document

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import UnusableKey
from ansible_collections.proven.gitops.plugins.module_utils._kms import errors, schemes
from ansible_collections.proven.gitops.plugins.module_utils._kms.google import Google
from ansible_collections.proven.gitops.plugins.module_utils._kms.signer import StoreSigner
from ansible_collections.proven.gitops.plugins.module_utils._kms.store import Access
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption

NAME = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
LIST = f"/v1/{NAME}/cryptoKeyVersions?filter=state%3DENABLED&pageSize=1000"
TOKEN = "canary-google-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def account(wire: Wire, held_rsa: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    value = {
        "type": "service_account",
        "client_email": "release@p.iam.gserviceaccount.com",
        "private_key": held_rsa.key.private_bytes(*form).decode(),
        "private_key_id": "1",
        "token_uri": f"{wire.url}/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(value))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))


def google(wire: Wire, access: Access, more: str = "") -> Google:
    return Google(schemes.parse(f"gcpkms://{NAME}{more}", "key"), access, wire.url)


def expect_token(wire: Wire, **answer: t.Any) -> None:
    granted = document({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
    wire.expect("POST", "/token", **{"body": granted, **answer})


def public(held: Held, version: int, algorithm: str = "EC_SIGN_P256_SHA256") -> bytes:
    return document({"pem": held.pem, "algorithm": algorithm, "name": f"{NAME}/cryptoKeyVersions/{version}"})


def test_the_newest_enabled_version_is_pinned(wire: Wire, access: Access, held: Held, secrets: set[str]) -> None:
    names = [f"{NAME}/cryptoKeyVersions/{number}" for number in (9, 10, 2)]
    expect_token(wire)
    wire.expect("GET", LIST, body=document({"cryptoKeyVersions": [{"name": name} for name in names]}), sent=BEARER)
    wire.expect("GET", f"/v1/{NAME}/cryptoKeyVersions/10/publicKey", body=public(held, 10), sent=BEARER)
    signature = document({"signature": b64(held.sign()), "name": f"{NAME}/cryptoKeyVersions/10"})
    wire.expect("POST", f"/v1/{NAME}/cryptoKeyVersions/10:asymmetricSign", body=signature, sent=BEARER)
    signer = StoreSigner(google(wire, access))
    assert signer.signatory.version == "10"
    signer.sign(DATA)
    assert json.loads(wire.seen[-1].body) == {"digest": {"sha256": b64(DIGEST)}}
    assert TOKEN in secrets


@pytest.mark.parametrize("part", ["versions", "cryptoKeyVersions"])
def test_a_version_that_the_uri_names(part: str, wire: Wire, access: Access, held_rsa: Held) -> None:
    expect_token(wire)
    answer = public(held_rsa, 3, "RSA_SIGN_PKCS1_2048_SHA256")
    wire.expect("GET", f"/v1/{NAME}/cryptoKeyVersions/3/publicKey", body=answer)
    assert StoreSigner(google(wire, access, f"/{part}/3")).public.kind == "rsa-2048"


def test_a_key_that_signs_otherwise_is_refused(wire: Wire, access: Access, held_rsa: Held) -> None:
    expect_token(wire)
    answer = public(held_rsa, 3, "RSA_SIGN_PSS_2048_SHA256")
    wire.expect("GET", f"/v1/{NAME}/cryptoKeyVersions/3/publicKey", body=answer)
    with pytest.raises(UnusableKey, match="RSA_SIGN_PSS_2048_SHA256 is not ECDSA or RSA PKCS#1"):
        StoreSigner(google(wire, access, "/versions/3"))


@pytest.mark.parametrize(
    ("status", "answer", "kind", "words"),
    [
        (403, {"error": {"message": "Permission denied"}}, errors.Forbidden, "403: Permission denied"),
        (404, {"error": {"message": "not found"}}, errors.NoSuchKey, "404: not found"),
        (200, {}, errors.NoSuchKey, "no version of the key is enabled"),
        (200, {"cryptoKeyVersions": 5}, errors.NoSuchKey, "no version of the key is enabled"),
        (200, {"nextPageToken": "x"}, InvalidOption, "more than 1000 versions"),
    ],
)
def test_what_it_answers_instead_of_versions(
    status: int, answer: t.Any, kind: type[GitopsError], words: str, wire: Wire, access: Access
) -> None:
    expect_token(wire)
    wire.expect("GET", LIST, status=status, body=document(answer))
    with pytest.raises(kind, match=words):
        google(wire, access).public_key()


@pytest.mark.parametrize("answer", [{}, {"pem": "PEM", "name": "another"}, {"pem": "PEM"}])
def test_what_is_no_public_key_is_an_error(answer: t.Any, wire: Wire, access: Access) -> None:
    expect_token(wire)
    wire.expect("GET", f"/v1/{NAME}/cryptoKeyVersions/3/publicKey", body=document(answer))
    with pytest.raises(errors.BadAnswer, match="public key"):
        google(wire, access, "/versions/3").public_key()


@pytest.mark.parametrize(
    "answer", [{}, {"signature": "?"}, {"signature": "AAAA"}, {"signature": "AAAA", "name": "another version"}]
)
def test_what_is_no_signature_is_an_error(answer: t.Any, wire: Wire, access: Access, held: Held) -> None:
    expect_token(wire)
    wire.expect("GET", f"/v1/{NAME}/cryptoKeyVersions/3/publicKey", body=public(held, 3))
    wire.expect("POST", f"/v1/{NAME}/cryptoKeyVersions/3:asymmetricSign", body=document(answer))
    signer = StoreSigner(google(wire, access, "/versions/3"))
    with pytest.raises(errors.BadAnswer, match="signature"):
        signer.sign(DATA)


def test_credentials_that_are_refused_or_missing(
    wire: Wire, access: Access, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expect_token(wire, status=400, body=document({"error": "invalid_grant", "error_description": "canary"}))
    with pytest.raises(errors.Forbidden, match=r"no usable credentials \(RefreshError\)") as found:
        google(wire, access, "/versions/3").public_key()
    assert "canary" not in found.value.message
    (tmp_path / "broken.json").write_text("canary")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "broken.json"))
    with pytest.raises(errors.Forbidden, match="Application Default Credentials"):
        google(wire, access, "/versions/3").public_key()


@pytest.mark.parametrize("rest", ["k", f"{NAME}/versions/x", f"{NAME}/versions/1/2", "projects/../x", f"{NAME}?x=1"])
def test_what_is_no_name_of_a_key_is_refused(rest: str, access: Access) -> None:
    with pytest.raises(InvalidOption, match="must be gcpkms://projects/P/"):
        schemes.open_store(schemes.parse(f"gcpkms://{rest}", "key"), access)


def test_keys_are_not_made_there(wire: Wire, access: Access) -> None:
    with pytest.raises(InvalidOption, match="gcloud kms keys create"):
        google(wire, access).creator()
