# SPDX-License-Identifier: GPL-3.0-or-later
"""Vault's transit engine, by its wire."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from support.wire import Wire
from unit._kms.conftest import DATA, DIGEST, Held, b64, document

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import UnusableKey
from ansible_collections.proven.gitops.plugins.module_utils._http.settings import HttpSettings
from ansible_collections.proven.gitops.plugins.module_utils._kms import errors, schemes
from ansible_collections.proven.gitops.plugins.module_utils._kms.signer import StoreSigner
from ansible_collections.proven.gitops.plugins.module_utils._kms.store import Access, Store
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption

KEY, SIGN = "/v1/transit/keys/release", "/v1/transit/sign/release/sha2-256"


def vault(access: Access, uri: str = "hashivault://release") -> Store:
    return schemes.open_store(schemes.parse(uri, "key"), access)


def key(*pems: str, kind: str = "ecdsa-p256") -> bytes:
    keys = {str(number): {"public_key": pem, "name": kind} for number, pem in enumerate(pems, 1)}
    return document({"data": {"type": kind, "latest_version": len(pems), "keys": keys}})


def signed(signature: bytes, version: int = 1) -> bytes:
    return document({"data": {"signature": f"vault:v{version}:{b64(signature)}"}})


def test_the_newest_version_is_taken_once_and_signs_all(
    wire: Wire, access: Access, held: Held, other: Held, secrets: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    sent = {"X-Vault-Token": "canary-token", "X-Vault-Namespace": "team"}
    wire.expect("GET", KEY, body=key(other.pem, held.pem), sent=sent)
    for _again in range(2):
        wire.expect("PUT", SIGN, body=signed(held.sign(), 2), sent=sent)
    signer = StoreSigner(vault(access))
    assert signer.signatory.version == "2"
    assert signer.public.pem.decode() == held.pem
    assert {signer.sign(DATA) for _again in range(2)}
    for seen in wire.seen[1:]:
        wanted = {"input": b64(DIGEST), "prehashed": True, "key_version": 2, "signature_algorithm": "pkcs1v15"}
        assert json.loads(seen.body) == wanted
    assert "canary-token" in secrets
    assert signer.material(b"").hint == signer.public.hint


def test_rsa(wire: Wire, access: Access, held_rsa: Held) -> None:
    wire.expect("GET", KEY, body=key(held_rsa.pem, kind="rsa-2048"))
    wire.expect("PUT", SIGN, body=signed(held_rsa.sign()))
    assert len(StoreSigner(vault(access)).sign(DATA)) == 256


def test_another_engine_and_the_token_of_a_login(
    wire: Wire, access: Access, held: Held, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secrets: set[str]
) -> None:
    (tmp_path / ".vault-token").write_text("canary-login\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRANSIT_SECRET_ENGINE_PATH", "teams/a")
    wire.expect("GET", "/v1/teams/a/keys/release", body=key(held.pem), sent={"X-Vault-Token": "canary-login"})
    vault(replace(access, token="")).public_key()
    assert "canary-login" in secrets


def test_it_makes_a_key_once(wire: Wire, access: Access) -> None:
    store = vault(access, "openbao://release")
    create = store.creator()
    wire.expect("PUT", KEY, status=204)
    create()
    assert json.loads(wire.seen[0].body) == {"type": "ecdsa-p256"}
    wire.expect("PUT", KEY, reset=True)
    with pytest.raises(errors.Unreachable, match="1 attempt"):
        create()


REFUSED: list[tuple[int, t.Any, type[GitopsError], str]] = [
    (403, {"errors": ["permission denied"]}, errors.Forbidden, r"does not allow this .* \(403: permission denied\)"),
    (404, {"errors": []}, errors.NoSuchKey, r"has no such key \(404\)"),
    (400, {"errors": ["unsupported path"]}, errors.Rejected, r"refuses \(400: unsupported path\)"),
    (301, {}, errors.Rejected, r"refuses \(301\)"),
    (200, {"data": {"latest_version": 1, "keys": {}}}, errors.BadAnswer, "no public key"),
    (200, {"data": {"latest_version": True, "keys": {"1": 5}}}, errors.BadAnswer, "no public key"),
    (
        200,
        {"data": {"latest_version": 1, "keys": {"1": {"public_key": "x"}}}},
        errors.BadAnswer,
        "no usable public key",
    ),
    (200, {"data": []}, errors.BadAnswer, "no public key"),
    (200, [], errors.BadAnswer, "not JSON"),
]


@pytest.mark.parametrize(("status", "answer", "kind", "words"), REFUSED)
def test_what_it_answers_instead_of_a_key(
    status: int, answer: t.Any, kind: type[GitopsError], words: str, wire: Wire, access: Access
) -> None:
    wire.expect("GET", KEY, status=status, body=document(answer))
    with pytest.raises(kind, match=f"key: hashivault://release: .*{words}"):
        vault(access).public_key()


def test_no_token_comes_back_in_an_error(wire: Wire, access: Access) -> None:
    wire.expect("GET", KEY, status=403, body=document({"errors": ["bad token canary-token\x1b[31m"]}))
    with pytest.raises(errors.Forbidden) as found:
        vault(access).public_key()
    assert "canary" not in found.value.message
    assert "\x1b" not in found.value.message


def test_an_answer_without_end_is_not_read(wire: Wire, access: Access) -> None:
    wire.expect("GET", KEY, body=b"", headers={"Content-Length": str(1 << 30)})
    with pytest.raises(errors.BadAnswer, match="more than 262144"):
        vault(access).public_key()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": {"signature": "vault:v2:AAAA"}}, "no signature by version 1"),
        ({"data": {"signature": "AAAA"}}, "no signature by version 1"),
        ({"data": {"signature": "vault:v1:AAA"}}, "not base64"),
        ({"data": {"signature": f"vault:v1:{b64(b'x' * 70)}"}}, "its own public key .* refuses"),
        ({"data": {"signature": 5}}, "no signature"),
        ({}, "no signature"),
    ],
)
def test_what_is_no_signature_is_an_error(answer: t.Any, words: str, wire: Wire, access: Access, held: Held) -> None:
    wire.expect("GET", KEY, body=key(held.pem))
    wire.expect("PUT", SIGN, body=document(answer))
    signer = StoreSigner(vault(access))
    with pytest.raises(errors.BadAnswer, match=words):
        signer.sign(DATA)


def test_a_signature_by_another_key_or_over_another_text_is_an_error(
    wire: Wire, access: Access, held: Held, other: Held
) -> None:
    wire.expect("GET", KEY, body=key(held.pem))
    wire.expect("PUT", SIGN, body=signed(other.sign()))
    wire.expect("PUT", SIGN, body=signed(held.sign(b"x" * 32)))
    signer = StoreSigner(vault(access))
    for _again in range(2):
        with pytest.raises(errors.BadAnswer, match=r"its own public key .* refuses"):
            signer.sign(DATA)


def test_a_key_that_cannot_sign_by_sha256_is_refused_at_once(wire: Wire, access: Access, held_p384: Held) -> None:
    wire.expect("GET", KEY, body=key(held_p384.pem, kind="ecdsa-p384"))
    with pytest.raises(UnusableKey, match="SHA-384 with a P-384 key"):
        StoreSigner(vault(access))


def test_a_service_that_is_down_is_named_with_the_time(access: Access) -> None:
    down = replace(access, address="http://127.0.0.1:9", http=replace(access.http, retries=1))
    with pytest.raises(errors.Unreachable, match=r"http://127.0.0.1:9: connection refused \(2 attempts in [0-9.]+ s"):
        vault(down).public_key()


def test_a_sealed_vault_is_asked_again(wire: Wire, access: Access, held: Held) -> None:
    wire.expect("GET", KEY, status=503, body=document({"errors": ["Vault is sealed"]}))
    wire.expect("GET", KEY, body=key(held.pem))
    assert vault(access).public_key().version == "1"


@pytest.mark.parametrize(
    ("uri", "more", "words"),
    [
        ("hashivault://a/b", {}, "must be hashivault://NAME"),
        ("openbao://", {}, "must be openbao://NAME"),
        ("hashivault://..", {}, "must be hashivault://NAME"),
        ("hashivault://release", {"address": ""}, "no server is named: give key_store.address, or set VAULT_ADDR"),
        ("hashivault://release", {"token": ""}, "no token is given: give key_store.token, or set VAULT_TOKEN"),
        ("hashivault://release", {"address": "vault:8200"}, r"must be http\[s\]://host"),
        ("hashivault://release", {"address": "https://u:p@vault"}, "without credentials"),
        ("hashivault://release", {"address": "https://vault?x=1"}, "without a query"),
        ("hashivault://release", {"address": "http://vault.example"}, "plain HTTP, where the token can be read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    uri: str, more: dict[str, t.Any], words: str, access: Access
) -> None:
    with pytest.raises(InvalidOption, match=words):
        vault(replace(access, **more), uri)


def test_a_wrong_engine_is_refused(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSIT_SECRET_ENGINE_PATH", "../sys")
    with pytest.raises(InvalidOption, match="TRANSIT_SECRET_ENGINE_PATH is not the path"):
        vault(access)


def test_plain_http_where_it_was_allowed(access: Access) -> None:
    allowed = HttpSettings(insecure=True)
    vault(replace(access, address="http://vault.example", http=allowed))
