# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Key Vault by its documented wire; what azure-identity asks for a token is its own."""

from __future__ import annotations

import json
import time
import typing as t
from types import SimpleNamespace

import azure.core.exceptions
import azure.identity
import pytest
from support.wire import Wire
from unit._kms.conftest import DATA, DIGEST, Held, b64url, document

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import UnusableKey
from ansible_collections.proven.gitops.plugins.module_utils._kms import errors, schemes
from ansible_collections.proven.gitops.plugins.module_utils._kms.azure import Azure
from ansible_collections.proven.gitops.plugins.module_utils._kms.signer import StoreSigner
from ansible_collections.proven.gitops.plugins.module_utils._kms.store import Access
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption

KEY, SIGN = "/keys/release?api-version=7.4", "/keys/release/abc1/sign?api-version=7.4"
KID = "https://team.vault.azure.net/keys/release/abc1"
TOKEN = "canary-azure-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def scopes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The audiences that a token was asked for."""
    found: list[str] = []

    class Credential:
        def __init__(self, **_more: t.Any) -> None:
            """As DefaultAzureCredential takes them."""

        def get_token(self, scope: str) -> t.Any:
            found.append(scope)
            return SimpleNamespace(token=TOKEN, expires_on=time.time() + 3600)

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Credential)
    return found


def vault(wire: Wire, access: Access, more: str = "", host: str = "team.vault.azure.net") -> Azure:
    return Azure(schemes.parse(f"azurekms://{host}/release{more}", "key"), access, wire.url)


def jwk(held: Held, **more: t.Any) -> bytes:
    numbers = held.numbers
    if hasattr(numbers, "n"):
        part = {"kty": "RSA", "n": b64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    else:
        x, y = (b64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        part = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return document({"key": {"kid": KID, "key_ops": ["sign", "verify"], **part, **more}})


@pytest.mark.parametrize("kind", ["EC", "EC-HSM"])
def test_the_version_is_pinned_and_raw_signatures_become_der(
    kind: str, wire: Wire, access: Access, held: Held, scopes: list[str], secrets: set[str]
) -> None:
    wire.expect("GET", KEY, body=jwk(held, kty=kind), sent=BEARER)
    for _again in range(2):
        wire.expect("POST", SIGN, body=document({"kid": KID, "value": b64url(held.raw())}), sent=BEARER)
    signer = StoreSigner(vault(wire, access))
    assert signer.signatory.version == "abc1"
    assert signer.public.pem.decode() == held.pem
    assert signer.sign(DATA)[:1] == signer.sign(DATA)[:1] == b"0"
    assert json.loads(wire.seen[-1].body) == {"alg": "ES256", "value": b64url(DIGEST)}
    assert scopes == ["https://vault.azure.net/.default"]
    assert TOKEN in secrets


def test_rsa_in_a_managed_hsm(wire: Wire, access: Access, held_rsa: Held, scopes: list[str]) -> None:
    wire.expect("GET", "/keys/release/abc1?api-version=7.4", body=jwk(held_rsa, kty="RSA-HSM"))
    wire.expect("POST", SIGN, body=document({"kid": KID, "value": b64url(held_rsa.sign())}))
    StoreSigner(vault(wire, access, "/abc1", "team.managedhsm.azure.net")).sign(DATA)
    assert json.loads(wire.seen[-1].body)["alg"] == "RS256"
    assert scopes == ["https://managedhsm.azure.net/.default"]


def test_a_key_that_may_not_sign_is_refused(wire: Wire, access: Access, held: Held) -> None:
    wire.expect("GET", KEY, body=jwk(held, key_ops=["verify"]))
    with pytest.raises(UnusableKey, match="key_ops do not allow to sign"):
        StoreSigner(vault(wire, access))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"kid": "https://team.vault.azure.net/keys/other/abc1"}, "version"),
        ({"kid": 5}, "version"),
        ({"kty": "oct"}, "neither EC P-256 nor RSA"),
        ({"crv": "P-384"}, "neither EC P-256 nor RSA"),
        ({"x": "AAAA"}, "public key that is none"),
        ({"x": "?"}, "not base64url"),
        ({"x": None}, "not base64url"),
    ],
)
def test_what_is_no_key_is_an_error(more: t.Any, words: str, wire: Wire, access: Access, held: Held) -> None:
    wire.expect("GET", KEY, body=jwk(held, **more))
    with pytest.raises(errors.BadAnswer, match=words):
        vault(wire, access).public_key()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Forbidden),
        (403, errors.Forbidden),
        (404, errors.NoSuchKey),
        (400, errors.Rejected),
    ],
)
def test_what_it_refuses(status: int, kind: type[GitopsError], wire: Wire, access: Access) -> None:
    answer = document({"error": {"code": "X", "message": "because of this"}})
    wire.expect("GET", KEY, status=status, body=answer)
    with pytest.raises(kind, match=f"{status}: because of this"):
        vault(wire, access).public_key()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"kid": f"{KID}2", "value": "AAAA"}, "no signature by the version"),
        ({"kid": KID, "value": "AAAA"}, "a signature of 3 bytes"),
        ({"kid": KID, "value": b64url(b"x" * 64)}, "its own public key .* refuses"),
        ({"kid": KID}, "not base64url"),
    ],
)
def test_what_is_no_signature_is_an_error(answer: t.Any, words: str, wire: Wire, access: Access, held: Held) -> None:
    wire.expect("GET", KEY, body=jwk(held))
    wire.expect("POST", SIGN, body=document(answer))
    signer = StoreSigner(vault(wire, access))
    with pytest.raises(errors.BadAnswer, match=words):
        signer.sign(DATA)


def test_no_credentials(wire: Wire, access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_more: t.Any) -> t.NoReturn:
        raise azure.core.exceptions.ClientAuthenticationError("canary")

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", refuse)
    with pytest.raises(errors.Forbidden, match=r"no usable credentials \(ClientAuthenticationError\)") as found:
        vault(wire, access).public_key()
    assert "canary" not in str(found.value)


@pytest.mark.parametrize(
    "rest", ["x", "evil.example/k", "team.vault.azure.net.evil.example/k", "a.vault.azure.net/b/c/d"]
)
def test_a_token_goes_to_no_other_host(rest: str, access: Access) -> None:
    with pytest.raises(InvalidOption, match="must be azurekms://NAME"):
        schemes.open_store(schemes.parse(f"azurekms://{rest}", "key"), access)


def test_keys_are_not_made_there(wire: Wire, access: Access) -> None:
    with pytest.raises(InvalidOption, match="az keyvault key create"):
        vault(wire, access).creator()
