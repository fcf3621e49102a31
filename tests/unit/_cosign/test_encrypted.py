# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of private keys: PEM, JSON, scrypt, secretbox."""

from __future__ import annotations

import base64
import json
import time
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.encrypted import WrongPassphrase, seal, unseal
from ansible_collections.proven.gitops.plugins.module_utils._cosign.pem import UnreadableKey, read_pem, write_pem

Change = t.Callable[[dict[str, t.Any]], object]


@pytest.fixture(scope="module")
def sealed() -> bytes:
    """A document with an empty passphrase."""
    return seal(b"secret", b"")


@pytest.mark.parametrize("passphrase", [b"x" * 5000, b"\x00\xff"])
def test_any_passphrase_counts_by_its_bytes(passphrase: bytes) -> None:
    document = seal(b"secret", passphrase)
    assert unseal(document, passphrase, "key") == b"secret"
    with pytest.raises(WrongPassphrase):
        unseal(document, passphrase[:-1], "key")


def test_empty_passphrase_is_one(sealed: bytes) -> None:
    assert unseal(sealed, b"", "key") == b"secret"


def test_document_is_written_as_cosign_writes_it(key_files: dict[str, t.Any], sealed: bytes) -> None:
    theirs = json.loads(read_pem(key_files["cosign3"]["private"].encode(), "key")[1])
    ours = json.loads(sealed)

    def shape(value: t.Any) -> t.Any:
        return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value)

    assert json.dumps(ours["kdf"]["params"]) == json.dumps(theirs["kdf"]["params"])
    assert str(shape(ours)) == str(shape(theirs))  # the order of keys, too
    for path in (("kdf", "salt"), ("cipher", "nonce")):
        sizes = {len(base64.b64decode(document[path[0]][path[1]])) for document in (ours, theirs)}
        assert len(sizes) == 1
    assert b" " not in sealed


def test_salt_and_nonce_are_fresh(sealed: bytes) -> None:
    first, second = json.loads(sealed), json.loads(seal(b"secret", b""))
    assert first["kdf"]["salt"] != second["kdf"]["salt"]
    assert first["cipher"]["nonce"] != second["cipher"]["nonce"]
    assert first["ciphertext"] != second["ciphertext"]


@pytest.mark.fault("S44")
def test_newline_of_a_passphrase_is_pointed_out(sealed: bytes) -> None:
    with pytest.raises(WrongPassphrase, match="ends with a newline"):
        unseal(sealed, b"\n", "key")
    with pytest.raises(WrongPassphrase) as caught:
        unseal(sealed, b"guess", "cosign.key")
    assert "newline" not in caught.value.message
    assert "guess" not in caught.value.message
    assert caught.value.code == "wrong_passphrase"


def _with(**params: t.Any) -> Change:
    return lambda value: value["kdf"]["params"].update(params)


@pytest.mark.fault("S43")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_with(N=1 << 30), id="a terabyte of scrypt"),
        pytest.param(_with(N=1), id="scrypt that costs nothing"),
        pytest.param(_with(N=65537), id="not a power of two"),
        pytest.param(_with(r=1024), id="r"),
        pytest.param(_with(p=1000000), id="p"),
        pytest.param(_with(p=True), id="a boolean that equals 1"),
        pytest.param(_with(N=65536.0), id="a float that equals N"),
        pytest.param(_with(q=1), id="another parameter"),
        pytest.param(lambda v: v["kdf"].update(name="pbkdf2"), id="kdf"),
        pytest.param(lambda v: v["kdf"].update(salt=""), id="no salt"),
        pytest.param(lambda v: v["kdf"].update(params=[]), id="params of another type"),
        pytest.param(lambda v: v["cipher"].update(name="none"), id="cipher"),
        pytest.param(lambda v: v["cipher"].update(nonce="AAAA"), id="short nonce"),
        pytest.param(lambda v: v["cipher"].update(nonce="*" * 32), id="not base64"),
        pytest.param(lambda v: v.pop("cipher"), id="no cipher"),
        pytest.param(lambda v: v.pop("ciphertext"), id="no ciphertext"),
        pytest.param(lambda v: v.update(ciphertext=5), id="a number as ciphertext"),
    ],
)
def test_another_shape_is_refused_at_once(change: Change, sealed: bytes) -> None:
    value = json.loads(sealed)
    change(value)
    start = time.monotonic()
    with pytest.raises(UnreadableKey, match="where it is"):
        unseal(json.dumps(value).encode(), b"", "where it is")
    assert time.monotonic() - start < 0.2  # before any key is derived


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'{"kdf":{},"kdf":{}}', b"\xff", b"[" * 100000])
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(UnreadableKey):
        unseal(document, b"", "key")


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c[:10], lambda c: bytes([c[0] ^ 1]) + c[1:]])
def test_damaged_ciphertext_does_not_open(change: t.Callable[[bytes], bytes], sealed: bytes) -> None:
    value = json.loads(sealed)
    value["ciphertext"] = base64.b64encode(change(base64.b64decode(value["ciphertext"]))).decode()
    with pytest.raises(WrongPassphrase):
        unseal(json.dumps(value).encode(), b"", "key")


def test_pem_is_written_with_64_columns() -> None:
    lines = write_pem("X", bytes(range(100))).decode().splitlines()
    assert lines[0] == "-----BEGIN X-----"
    assert lines[-1] == "-----END X-----"
    assert [len(line) for line in lines[1:-1]] == [64, 64, 8]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-----BEGIN X-----\r\nAAEC\r\n-----END X-----\r\n", id="CRLF"),
        pytest.param("-----BEGIN X-----\nAAEC\n-----END X-----", id="no newline at the end"),
        pytest.param("a comment\n-----BEGIN X-----\nAA\n EC\n-----END X-----\nmore\n", id="text around"),
    ],
)
def test_pem_is_read_as_it_comes(text: str) -> None:
    assert read_pem(text.encode(), "key") == ("X", b"\x00\x01\x02")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"ssh-rsa AAAA", "not a key in PEM"),
        (b"-----BEGIN X-----\nAAEC\n-----END Y-----\n", "not a key in PEM"),
        (b"-----BEGIN X-----\nAAEC", "not a key in PEM"),
        (b"-----BEGIN X-----\nAAE\n-----END X-----\n", "damaged"),
        (b"x" * 65537, "more than 65536 bytes"),
        (write_pem("X", b"1") + write_pem("X", b"2"), "more than one PEM block"),
    ],
)
def test_what_is_not_one_pem_block_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableKey, match=reason) as caught:
        read_pem(data, "public_keys[3]")
    assert caught.value.message.startswith("public_keys[3]: ")


def test_pem_reading_takes_linear_time() -> None:
    start = time.monotonic()
    for data in (b"-----BEGIN X-----\n" + b"\n" * 65000, b"-----BEGIN X-----\n" + b"A\n" * 32000):
        with pytest.raises(UnreadableKey):
            read_pem(data, "key")
    assert time.monotonic() - start < 1
