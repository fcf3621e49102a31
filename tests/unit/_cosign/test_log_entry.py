# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of log entries. Which of them the peers read was asked of sigstore-go 1.2.2, as cosign 3.1.3 has it."""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.log_entry import check_body
from ansible_collections.proven.gitops.plugins.module_utils._cosign.malformed import MalformedSignature, UnreadSignature
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

SHA256: t.Final = {"algorithm": "sha256", "value": "a1" * 32}
DSSE_SPEC: t.Final = {
    "envelopeHash": SHA256,
    "payloadHash": SHA256,
    "signatures": [{"signature": "AAAA", "verifier": "AAAA"}],
}
DSSE_BODY: t.Final = json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": DSSE_SPEC})


def entry_body(kind: str, version: str, spec: t.Any) -> str:
    return json.dumps({"apiVersion": version, "kind": kind, "spec": spec})


def hashedrekord(key: SigningKey, signed: bytes = b"x", **hashed: str) -> dict[str, t.Any]:
    digest = {"algorithm": "sha256", "value": hashlib.sha256(b"x").hexdigest(), **hashed}
    content = base64.b64encode(key.sign(signed)).decode()
    pem = base64.b64encode(key.public.pem).decode()
    return {"data": {"hash": digest}, "signature": {"content": content, "publicKey": {"content": pem}}}


KEY = SigningKey.generate()
INTOTO: t.Final = {
    "envelope": {"payloadType": "x", "signatures": [{"sig": "AAAA", "publicKey": "AAAA"}]},
    "payloadHash": SHA256,
}
BODIES = [
    entry_body("hashedrekord", "0.0.1", hashedrekord(KEY)),
    entry_body("hashedrekord", "0.0.2", {"hashedRekordV002": {}}),
    entry_body("x", "0.0.2", {"hashed_rekord_v002": {"data": {"algorithm": 77, "digest": "AA"}}}),
    entry_body("intoto", "0.0.2", {"content": INTOTO}),
    entry_body("dsse", "0.0.1", {**DSSE_SPEC, "more": 1}),
]
BROKEN_BODIES: list[tuple[str, str]] = [
    *((entry_body(kind, "0.0.1", spec), "spec") for kind in ("dsse", "hashedrekord") for spec in (None, "x", [], 5)),
    *((entry_body(kind, "0.0.1", {}), "that is not complete") for kind in ("dsse", "hashedrekord")),
    (entry_body("intoto", "0.0.2", {}), "that is not complete"),
    (entry_body("intoto", "0.0.2", {"content": {**INTOTO, "payloadHash": {"algorithm": "md5"}}}), "a digest that is"),
    (entry_body("dsse", "0.0.1", {**DSSE_SPEC, "payloadHash": {}}), "a digest that is none"),
    (entry_body("dsse", "0.0.1", {**DSSE_SPEC, "signatures": [{"signature": "%"}]}), "a signature that is none"),
    (entry_body("dsse", "0.0.1", {**DSSE_SPEC, "signatures": [{"signature": "AAAA", "verifier": "%"}]}), "not base64"),
    (entry_body("hashedrekord", "0.0.2", {"hashedRekordV002": {"data": {"algorithm": "x"}}}), "of an unknown kind"),
    (entry_body("hashedrekord", "0.0.2", {"dsseV002": {}}), "of an unknown kind"),
    (entry_body("hashedrekord", "0.0.1", hashedrekord(KEY, b"y")), "whose signature is not by its key"),
    (entry_body("hashedrekord", "0.0.1", hashedrekord(KEY, value="a1")), "a digest that is none"),
    (entry_body("hashedrekord", "0.0.1", hashedrekord(KEY, algorithm="md5")), "a digest that is none"),
    ("", "body of a log entry"),
    ("[]", "body of a log entry"),
    ("NaN", "body of a log entry"),
    ('{"kind":5}', "without a kind"),
]
# What Go reads and we do not: it takes the last of two, stops behind the first value, and knows more kinds.
UNREAD_BODIES = [
    DSSE_BODY + "{}",
    DSSE_BODY.replace('"spec"', '"spec":null,"spec"'),
    DSSE_BODY.replace('"spec"', '"Spec"'),
    DSSE_BODY[:-1] + ',"n":1e999}',
    '{"a":' + "[" * 100000,
    entry_body("dsse", "0.0.1", {"proposedContent": {}}),
    entry_body("dsse", "0.0.1+x", DSSE_SPEC),
    entry_body("intoto", "0.0.1", {}),
    entry_body("rekord", "0.0.1", {}),
    entry_body("intoto", "0.0.2", {"content": {"envelope": {"payload": "AAAA"}}}),
    entry_body("hashedrekord", "0.0.2", {"hashedRekordV002": {}})[:-1] + ',"n":1e }',
]


@pytest.mark.parametrize("text", BODIES)
def test_each_kind_is_read(text: str) -> None:
    check_body(text.encode())


@pytest.mark.parametrize(("text", "reason"), BROKEN_BODIES)
def test_what_the_peers_refuse_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedSignature, match=reason) as caught:
        check_body(text.encode())
    assert not isinstance(caught.value, UnreadSignature)


@pytest.mark.parametrize("text", UNREAD_BODIES)
def test_what_go_may_read_is_told_apart(text: str) -> None:
    with pytest.raises(UnreadSignature):
        check_body(text.encode())


def test_bad_utf8_is_mended_by_go() -> None:
    with pytest.raises(UnreadSignature):
        check_body(DSSE_BODY.replace('"more"', '"x"').encode()[:-1] + b',"x":"\xff"}')
