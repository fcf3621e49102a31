# SPDX-License-Identifier: GPL-3.0-or-later
"""Which key a signing module takes, and what it says of one that it cannot take."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.proven.gitops.plugins.module_utils._ansible.key_options import PRIVATE_KEY, signing_key
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import UnreadableKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import (
    SigningKey,
    UnusableKey,
    WrongPassphrase,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

PASSPHRASE = "pässwörd"


class File(t.NamedTuple):
    path: str
    content: str
    fingerprint: str


def make(path: Path) -> File:
    key = SigningKey.generate()
    content = key.encrypted_pem(PASSPHRASE.encode())
    path.write_bytes(content)
    return File(str(path), content.decode(), key.public.fingerprint)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> File:
    return make(tmp_path_factory.mktemp("one") / "cosign.key")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> File:
    return make(tmp_path_factory.mktemp("other") / "cosign.key")


def load(**given: t.Any) -> str:
    """The fingerprint of the key, from parameters as the module gets them: with core's own fallbacks and checks."""
    validator = ArgumentSpecValidator(dict(PRIVATE_KEY.options), required_one_of=PRIVATE_KEY.required_one_of)
    result = validator.validate(given)
    if result.error_messages:
        raise ValueError(result.error_messages)
    return signing_key(result.validated_parameters).public.fingerprint


def test_by_path_or_content(one: File) -> None:
    assert load(privatekey_path=one.path, privatekey_passphrase=PASSPHRASE) == one.fingerprint
    assert load(privatekey_content=one.content, privatekey_passphrase=PASSPHRASE) == one.fingerprint


def test_by_environment(one: File, other: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", PASSPHRASE)
    monkeypatch.setenv("COSIGN_PRIVATE_KEY", one.content)
    assert load() == one.fingerprint
    # What was given comes before what happens to be set.
    assert load(privatekey_path=other.path) == other.fingerprint
    assert load(privatekey_content=other.content) == other.fingerprint
    monkeypatch.delenv("COSIGN_PRIVATE_KEY")
    monkeypatch.setenv("PROVEN_PRIVATEKEY_PATH", one.path)
    assert load() == one.fingerprint
    assert load(privatekey_content=other.content) == other.fingerprint


def test_two_keys_are_one_too_many(one: File, other: File, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidOption, match="privatekey_path: exactly one of it, privatekey_content and key"):
        load(privatekey_path=one.path, privatekey_content=other.content, privatekey_passphrase="")
    monkeypatch.setenv("PROVEN_PRIVATEKEY_PATH", one.path)
    monkeypatch.setenv("COSIGN_PRIVATE_KEY", other.content)
    with pytest.raises(InvalidOption, match="exactly one"):
        load(privatekey_passphrase="")


def test_no_key_is_one_too_few() -> None:
    for given in ({}, {"privatekey_content": ""}):
        with pytest.raises(InvalidOption, match="exactly one"):
            load(privatekey_passphrase="", **given)


def test_a_uri_beside_a_file_is_one_too_many(one: File, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidOption, match="exactly one"):
        load(key="hashivault://release", privatekey_path=one.path, privatekey_passphrase="")
    monkeypatch.setenv("PROVEN_KEY", "hashivault://release")
    assert load(privatekey_path=one.path, privatekey_passphrase=PASSPHRASE) == one.fingerprint


@pytest.mark.parametrize("given", [{}, {"privatekey_passphrase": None}])
def test_passphrase_must_be_given(one: File, given: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidOption, match="privatekey_passphrase: it must be given, if only as an empty string"):
        load(privatekey_path=one.path, **given)


def test_empty_variable_is_an_empty_passphrase(one: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    with pytest.raises(WrongPassphrase, match=f"privatekey_path: {one.path}: the passphrase does not open this key"):
        load(privatekey_path=one.path)


def test_secrets_are_marked() -> None:
    marked = {name for name, option in PRIVATE_KEY.options.items() if option.get("no_log")}
    assert marked == {"privatekey_content", "privatekey_passphrase"}
    assert all("fallback" in option for name, option in PRIVATE_KEY.options.items() if name != "key_store")


def test_errors_name_the_option(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"privatekey_path: .*/none does not exist"):
        load(privatekey_path=str(tmp_path / "none"), privatekey_passphrase="")
    (tmp_path / "file").write_text("text")
    with pytest.raises(UnreadableKey, match=r"privatekey_path: .*/file: not a key in PEM format"):
        load(privatekey_path=str(tmp_path / "file"), privatekey_passphrase="")
    with pytest.raises(InvalidOption, match=r"privatekey_path: .*/file/x cannot be read: Not a directory"):
        load(privatekey_path=str(tmp_path / "file" / "x"), privatekey_passphrase="")
    with pytest.raises(InvalidOption, match="is not a regular file"):
        load(privatekey_path=str(tmp_path), privatekey_passphrase="")
    with pytest.raises(UnreadableKey) as caught:
        load(privatekey_content="a secret that is no key", privatekey_passphrase="")
    assert caught.value.message == "privatekey_content: not a key in PEM format"


def test_key_that_the_peers_would_not_verify_is_refused_before_it_signs() -> None:
    pem = SigningKey(ec.generate_private_key(ec.SECP521R1())).encrypted_pem(b"")
    with pytest.raises(UnusableKey, match="privatekey_content: cosign signs with SHA-512 with a P-521 key"):
        load(privatekey_content=pem.decode(), privatekey_passphrase="")
