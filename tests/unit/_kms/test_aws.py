# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS KMS by its wire, with boto3 itself."""

from __future__ import annotations

import functools
import json
import typing as t

import botocore.loaders
import pytest
from support.wire import Wire
from unit._kms.conftest import DATA, DIGEST, Held, b64, document

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import UnusableKey
from ansible_collections.proven.gitops.plugins.module_utils._kms import errors, schemes
from ansible_collections.proven.gitops.plugins.module_utils._kms.signer import StoreSigner
from ansible_collections.proven.gitops.plugins.module_utils._kms.store import Access, Store
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-west-2:111122223333:key/{ID}"
SECRET, SESSION = "canary-aws-secret", "canary-aws-session"
TYPE = {"Content-Type": "application/x-amz-json-1.1"}


_loader = functools.cache(botocore.loaders.create_loader)  # reading the API's description takes most of a second


@pytest.fixture(autouse=True)
def variables(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.loaders, "create_loader", _loader)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION)
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def kms(access: Access, uri: str = "awskms:///alias/release") -> Store:
    return schemes.open_store(schemes.parse(uri, "key"), access)


def expect(wire: Wire, operation: str, answer: t.Any, status: int = 200) -> None:
    sent = {"X-Amz-Target": f"TrentService.{operation}", "X-Amz-Security-Token": SESSION}
    wire.expect("POST", "/", status=status, body=document(answer), headers=TYPE, sent=sent)


def public(held: Held, algorithm: str = "ECDSA_SHA_256", **more: t.Any) -> dict[str, t.Any]:
    return {"KeyId": ARN, "PublicKey": b64(held.der), "SigningAlgorithms": [algorithm], **more}


@pytest.mark.parametrize(("kind", "algorithm"), [("held", "ECDSA_SHA_256"), ("held_rsa", "RSASSA_PKCS1_V1_5_SHA_256")])
def test_an_alias_is_pinned_to_its_key(
    kind: str, algorithm: str, wire: Wire, access: Access, secrets: set[str], request: pytest.FixtureRequest
) -> None:
    held: Held = request.getfixturevalue(kind)
    expect(wire, "GetPublicKey", public(held, algorithm))
    expect(wire, "Sign", {"KeyId": ARN, "Signature": b64(held.sign())})
    signer = StoreSigner(kms(access))
    assert signer.signatory.version == ARN
    signer.sign(DATA)
    asked = [json.loads(seen.body) for seen in wire.seen]
    assert asked[0] == {"KeyId": "alias/release"}
    assert asked[1] == {"KeyId": ARN, "Message": b64(DIGEST), "MessageType": "DIGEST", "SigningAlgorithm": algorithm}
    assert all(SECRET not in str(seen.headers) for seen in wire.seen)
    assert SESSION in secrets


def test_a_key_that_signs_otherwise_is_refused(wire: Wire, access: Access, held: Held) -> None:
    expect(wire, "GetPublicKey", public(held, "ECDSA_SHA_512"))
    with pytest.raises(UnusableKey, match="AWS does not sign with it by ECDSA_SHA_256"):
        StoreSigner(kms(access))


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (400, "NotFoundException", errors.NoSuchKey, "AWS has no such key"),
        (400, "AccessDeniedException", errors.Forbidden, "does not allow this with these credentials"),
        (400, "ExpiredTokenException", errors.Forbidden, "does not allow this"),
        (400, "ThrottlingException", errors.Unreachable, "no answer now"),
        (400, "DisabledException", errors.Rejected, "AWS refuses"),
    ],
)
def test_what_it_refuses(
    status: int, code: str, kind: type[GitopsError], words: str, wire: Wire, access: Access
) -> None:
    expect(wire, "GetPublicKey", {"__type": code, "message": f"because of {SESSION}"}, status)
    with pytest.raises(kind, match=f"{words}.*{code}: because of") as found:
        kms(access).public_key()
    assert "canary" not in found.value.message


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"KeyId": ARN},
        {"KeyId": ARN, "PublicKey": b64(b"x")},
        {"PublicKey": "QUFB"},
        {"KeyId": ARN, "PublicKey": "?"},
        {"KeyId": ARN, "PublicKey": 5},
        {"KeyId": 5, "PublicKey": "QUFB"},
        {"KeyId": ARN, "PublicKey": "QUFB", "SigningAlgorithms": 7},
    ],
)
def test_what_is_no_public_key_is_an_error(answer: t.Any, wire: Wire, access: Access) -> None:
    expect(wire, "GetPublicKey", answer)
    with pytest.raises(errors.BadAnswer, match="key: awskms:///alias/release"):
        kms(access).public_key()


def test_an_answer_that_is_not_json_or_too_long_is_an_error(wire: Wire, access: Access) -> None:
    wire.expect("POST", "/", body=b"<html>", headers=TYPE)
    with pytest.raises(errors.BadAnswer, match="not JSON"):
        kms(access).public_key()
    wire.expect("POST", "/", body=b"", headers={**TYPE, "Content-Length": str(1 << 30)})
    with pytest.raises(errors.BadAnswer, match="more than 262144"):
        kms(access).public_key()


@pytest.mark.parametrize(
    "answer", [{}, {"KeyId": ARN}, {"KeyId": f"{ARN}x", "Signature": "AAAA"}, {"KeyId": ARN, "Signature": "AAAA"}]
)
def test_what_is_no_signature_is_an_error(answer: t.Any, wire: Wire, access: Access, held: Held) -> None:
    expect(wire, "GetPublicKey", public(held))
    expect(wire, "Sign", answer)
    signer = StoreSigner(kms(access))
    with pytest.raises(errors.BadAnswer, match="signature"):
        signer.sign(DATA)


def test_a_service_that_is_down_is_asked_again_by_our_rules(wire: Wire, access: Access) -> None:
    for _attempt in range(3):
        wire.expect("POST", "/", status=503)
    with pytest.raises(errors.Unreachable, match=r"503 Service Unavailable \(3 attempts in"):
        kms(access).public_key()


def test_it_makes_a_key_and_its_alias_once(wire: Wire, access: Access) -> None:
    create = kms(access).creator()
    expect(wire, "CreateKey", {"KeyMetadata": {"KeyId": ID}})
    expect(wire, "CreateAlias", {})
    create()
    assert json.loads(wire.seen[0].body)["KeySpec"] == "ECC_NIST_P256"
    assert json.loads(wire.seen[1].body) == {"AliasName": "alias/release", "TargetKeyId": ID}
    wire.expect("POST", "/", status=503)
    with pytest.raises(errors.Unreachable, match="1 attempt"):
        create()
    with pytest.raises(InvalidOption, match="AWS chooses the ID of a new key: give an alias"):
        kms(access, f"awskms:///{ID}").creator()


@pytest.mark.parametrize("rest", ["alias/x", "/x", "//alias/x", "/arn:aws:kms:x:1:key/y", "h/../x", "/alias/x?y"])
def test_what_is_no_key_is_refused(rest: str, access: Access) -> None:
    with pytest.raises(InvalidOption, match=r"must be awskms://\[HOST\]/ID"):
        kms(access, f"awskms://{rest}")


@pytest.mark.parametrize("uri", [f"awskms:///{ARN}", f"awskms:///{ID}", f"awskms:///mrk-{'a' * 32}"])
def test_the_other_forms_of_a_key(uri: str, wire: Wire, access: Access, held: Held) -> None:
    expect(wire, "GetPublicKey", public(held))
    kms(access, uri).public_key()
    assert json.loads(wire.seen[0].body)["KeyId"] == uri.removeprefix("awskms:///")


def test_a_host_is_asked_by_https(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.Unreachable, match=r"https://127.0.0.1:9: connection refused"):
        kms(access, "awskms://127.0.0.1:9/alias/release").public_key()


def test_no_region_and_no_credentials(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(InvalidOption, match="no region is known: set AWS_REGION"):
        kms(access)
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(errors.Forbidden, match="boto3 finds no AWS credentials"):
        kms(access).public_key()
