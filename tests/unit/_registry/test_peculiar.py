# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries as people have them, and as an attacker has them: each did something that our client took wrongly."""

from __future__ import annotations

import base64
import gzip
import json
import time
import typing as t
from pathlib import Path

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import INDEX, MANIFEST, Descriptor
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import (
    BadAnswer,
    CredentialsError,
    Unauthorized,
    Unreachable,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry.identity import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import list_referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.tags import list_tags
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

DIGEST = "sha256:" + "ab" * 32
FALLBACK = "/v2/a/manifests/sha256-" + "ab" * 32
DATA = b"some bytes of a blob" * 100
BLOB = Descriptor.of("application/octet-stream", DATA)
BASIC = "Basic " + base64.b64encode(b"alice:correct horse").decode()


# What a descriptor announces


@pytest.mark.fault("H12")
def test_a_deadline_does_not_grow_with_what_is_announced(wire: Wire, connect: Connect) -> None:
    def dripping() -> t.Iterator[bytes]:
        while True:
            wire.wait(0.1)
            yield b"x"

    huge = Descriptor("application/octet-stream", DIGEST, 1 << 62)
    wire.expect("GET", headers={"Content-Length": str(1 << 62)}, body=dripping, always=True)
    start = time.monotonic()
    with pytest.raises(Unreachable, match="deadline"):
        for _piece in connect(wire, deadline=1).stream_blob("a", huge, 1 << 62):
            pass
    assert time.monotonic() - start < 4


@pytest.mark.fault("H12")
def test_what_came_fast_is_no_credit_for_dripping(wire: Wire, connect: Connect) -> None:
    def slower_and_slower() -> t.Iterator[bytes]:
        yield bytes(4 << 20)  # at the least rate this would be a minute
        while True:
            wire.wait(0.1)
            yield b"x"

    huge = Descriptor("application/octet-stream", DIGEST, 1 << 62)
    wire.expect("GET", headers={"Content-Length": str(1 << 62)}, body=slower_and_slower, always=True)
    start = time.monotonic()
    with pytest.raises(Unreachable, match="deadline"):
        for _piece in connect(wire, deadline=1, retries=0).stream_blob("a", huge, 1 << 62):
            pass
    assert time.monotonic() - start < 5


@pytest.mark.fault("H12")
def test_a_transfer_that_moves_may_take_longer_than_the_deadline(wire: Wire, connect: Connect) -> None:
    data = bytes(256 * 1024) * 6

    def steady() -> t.Iterator[bytes]:
        for start in range(0, len(data), 256 * 1024):
            wire.wait(0.4)
            yield data[start : start + 256 * 1024]

    blob = Descriptor.of("application/octet-stream", data)
    wire.expect("GET", headers={"Content-Length": str(len(data))}, body=steady)
    start = time.monotonic()
    assert connect(wire, deadline=1, retries=0).get_blob("a", blob, len(data)) == data
    assert time.monotonic() - start > 1


# Bytes that come as another coding


@pytest.mark.fault("H13")
@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "br", "GZIP"])
def test_of_a_blob_the_digest_decides(wire: Wire, connect: Connect, coding: str) -> None:
    wire.expect("GET", body=DATA, headers={"Content-Encoding": coding})
    assert connect(wire).get_blob("a", BLOB, len(DATA)) == DATA


@pytest.mark.fault("H13")
@pytest.mark.parametrize("body", [gzip.compress(DATA), DATA + b"x", DATA[::-1]], ids=["short", "long", "other"])
def test_other_bytes_that_came_coded_are_no_verdict(wire: Wire, connect: Connect, body: bytes) -> None:
    wire.expect("GET", body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unreachable, match="Content-Encoding gzip, which was not asked for"):
        connect(wire).get_blob("a", BLOB, len(DATA))


# Refusals without a challenge


@pytest.mark.parametrize("status", [401, 403])
def test_basic_is_tried_once_where_nothing_was_asked_for(wire: Wire, connect: Connect, status: int) -> None:
    wire.expect("GET", "/v2/")
    wire.expect("PUT", status=status, sent={"Authorization": None})
    wire.expect("PUT", status=201, sent={"Authorization": BASIC})
    connect(wire, LOGIN).put_manifest("a", "v1", b"{}", MANIFEST)


def test_and_only_once(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/")
    wire.expect("PUT", status=403, sent={"Authorization": None})
    wire.expect("PUT", status=403, sent={"Authorization": BASIC})
    with pytest.raises(Unauthorized, match="403 Forbidden to the user name and password of option username"):
        connect(wire, LOGIN).put_manifest("a", "v1", b"{}", MANIFEST)


def test_it_says_that_nothing_was_sent(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/")
    wire.expect("PUT", status=403)
    token = Credentials(identity_token="canary", source="option identity_token")
    with pytest.raises(Unauthorized, match="a request without credentials, since it did not ask for the identity"):
        connect(wire, token).put_manifest("a", "v1", b"{}", MANIFEST)


def test_before_a_push_403_may_mean_that_it_is_not_there(wire: Wire, connect: Connect) -> None:
    """Artifactory; whoever verifies gets an error."""
    wire.expect("GET", "/v2/a/manifests/v1", status=403, always=True)
    registry = connect(wire)
    assert registry.look("a", "v1") is None
    with pytest.raises(Unauthorized):
        registry.get_manifest("a", "v1")
    with Wire() as other:
        other.expect("GET", status=401)
        with pytest.raises(Unauthorized):
            connect(other).look("a", "v1")


# Referrers, and pages of them


@pytest.mark.parametrize(
    ("status", "body"),
    [(410, b""), (200, b'{"schemaVersion": 2, "manifests": null}')],
)
def test_no_referrers_api(wire: Wire, connect: Connect, status: int, body: bytes) -> None:
    wire.expect("GET", f"/v2/a/referrers/{DIGEST}", status=status, body=body, headers={"Content-Type": INDEX})
    wire.expect("GET", FALLBACK, status=404)
    found = list_referrers(connect(wire), "a", DIGEST)
    assert (found.entries, found.api, bool(found.overlooked)) == ((), False, True)


@pytest.mark.fault("H9")
@pytest.mark.parametrize("link", ["/v2/a/tags/list?last=b; rel=next", "<https://elsewhere.example/>; rel=next"])
def test_the_first_page_does_not_pass_for_all(wire: Wire, connect: Connect, link: str) -> None:
    wire.expect("GET", body=b'{"tags": ["a"]}', headers={"Link": link})
    with pytest.raises(BadAnswer, match=r"Link header|another host"):
        list_tags(connect(wire), "a", 1000)
    index = b'{"schemaVersion": 2, "manifests": []}'
    wire.expect("GET", body=index, headers={"Link": link, "Content-Type": INDEX})
    with pytest.raises(BadAnswer, match=r"Link header|another host"):
        list_referrers(connect(wire), "a", DIGEST)


# Certificates


def test_tls_on_this_machine_where_an_authority_is_named(connect: Connect, authority: Authority) -> None:
    with Wire(authority.server("127.0.0.1")) as wire:
        wire.expect("GET", status=404)
        assert connect(wire, ca_path=authority.ca_path).get_manifest("a", "v1") is None


def test_a_directory_of_authorities_without_hashes(connect: Connect, authority: Authority) -> None:
    folder = Path(authority.ca_path).parent
    with pytest.raises(InvalidOption, match=r"^ca_path: .*openssl rehash"):
        connect("r.example", ca_path=str(folder)).get_manifest("a", "v1")


# Docker's configuration


def _store(tmp_path: Path, text: str) -> Credentials:
    path = tmp_path / "config.json"
    path.write_text(text)
    return CredentialStore(docker_config=str(path), environ={}).find("r.example:5000", "a/b")


@pytest.mark.parametrize(
    "key",
    ["r.example:5000/", "r.example:5000/v1/", "r.example:5000/v2", "r.example:5000/v2/", "https://r.example:5000/v1/"],
)
@pytest.mark.parametrize(("auths", "auth"), [("auths", "auth"), ("Auths", "Auth"), ("AUTHS", "aUTH")])
def test_keys_as_docker_and_crane_read_them(tmp_path: Path, key: str, auths: str, auth: str) -> None:
    value = {auths: {key: {auth: base64.b64encode(b"u:p").decode()}}}
    assert _store(tmp_path, json.dumps(value)).username == "u"


@pytest.mark.parametrize("key", ["r.example:5000/v3", "r.example:5000/other", "r.example", "x.r.example:5000/"])
def test_keys_of_something_else(tmp_path: Path, key: str) -> None:
    assert _store(tmp_path, json.dumps({"auths": {key: {"username": "u", "password": "p"}}})).anonymous


def test_a_doubled_key_matters_only_where_it_is_read(tmp_path: Path) -> None:
    entry = '{"username": "u", "password": "p"}'
    rest = '"plugins": {"a": 1, "a": 2}, "psFormat": 1, "psFormat": 2'
    assert _store(tmp_path, f'{{"auths": {{"r.example:5000": {entry}}}, {rest}}}').username == "u"
    for text in (
        f'{{"auths": {{"r.example:5000": {entry}, "r.example:5000": {entry}}}}}',
        f'{{"auths": {{}}, "auths": {{"r.example:5000": {entry}}}}}',
        '{"auths": {"r.example:5000": {"username": "u", "password": "p", "password": "q"}}}',
    ):
        with pytest.raises(CredentialsError, match="one key one value"):
            _store(tmp_path, text)
