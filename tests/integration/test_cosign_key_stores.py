# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by reference in the modules that sign and verify: check mode, run, check mode again, run again."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from support.fake_vault import FakeVault
from support.registry import RunningRegistry, registry
from support.signing import PASSPHRASE, Key, artifact, keys

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["keys", "registry"]

TOKEN = "canary-vault-token"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[FakeVault]:
    with FakeVault(TOKEN) as running:
        running.add("release")
        monkeypatch.setenv("VAULT_ADDR", running.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield running


@pytest.mark.parametrize("scheme", ["hashivault://", "openbao://"])
def test_a_key_in_vault_signs_and_verifies(
    scheme: str, run_module: RunModule, registry: RunningRegistry, vault: FakeVault
) -> None:
    options: dict[str, t.Any] = {"reference": artifact(registry), "key": f"{scheme}release"}
    predicted = run_module("cosign_sign", check=True, **options)
    assert predicted["changed"]
    assert not [one for one in vault.asked if "/sign/" in one]
    made = run_module("cosign_sign", **options)
    assert made["changed"]
    assert made["key_version"] == predicted["key_version"] == "1"
    assert "version 1 of the key" in made["diff"]["after"]
    assert made["public_key"].encode() == vault.public_pem("release", 1)
    assert not run_module("cosign_sign", check=True, **options)["changed"]
    assert not run_module("cosign_sign", **options)["changed"]
    proven = run_module("cosign_verify", reference=options["reference"], public_keys=[{"uri": options["key"]}])
    assert proven["verified"]
    assert proven["verdicts"][0]["signed_by"] == [made["key"]]
    assert TOKEN not in json.dumps([predicted, made, proven])


def test_a_token_and_a_pin_are_nowhere_in_a_result(
    run_module: RunModule, registry: RunningRegistry, vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    reference = artifact(registry)
    store = {"address": vault.url, "token": TOKEN}
    assert run_module("cosign_sign", reference=reference, key="hashivault://release", key_store=store)["changed"]
    refused = run_module(
        "cosign_sign", reference=reference, key="hashivault://release", key_store={**store, "token": "canary-other"}
    )
    assert refused["failure"]["code"] == "forbidden"
    assert "canary" not in json.dumps(refused)
    uri = "pkcs11:token=t;object=o?module-path=/nowhere/lib.so&pin-value=canary%2Dpin"
    for name, options in (("cosign_sign", {"key": uri}), ("cosign_verify", {"public_keys": [{"uri": uri}]})):
        failed = run_module(name, reference=reference, **options)
        assert failed["failure"]["code"] == "unreachable"
        assert "canary" not in json.dumps(failed)


def test_a_key_that_is_to_be_made_is_predicted(
    run_module: RunModule, registry: RunningRegistry, vault: FakeVault
) -> None:
    options: dict[str, t.Any] = {"reference": artifact(registry), "key": "hashivault://next"}
    predicted = run_module("cosign_sign", check=True, **options)
    assert predicted["changed"]
    assert "has no such key" in str(predicted["warnings"])
    assert run_module("cosign_sign", **options)["failure"]["code"] == "no_such_key"
    made = run_module("cosign_keypair", key="hashivault://next")
    assert made["changed"]
    assert run_module("cosign_sign", **options)["public_key"] == made["public_key"]


def test_a_key_file_in_a_variable(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, Key, Key], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys[0]
    monkeypatch.setenv("RELEASE_KEY", Path(key.path).read_text())
    monkeypatch.setenv("RELEASE_PUB", Path(key.pub).read_text())
    options: dict[str, t.Any] = {"reference": artifact(registry), "privatekey_passphrase": PASSPHRASE}
    assert run_module("cosign_sign", key="env://RELEASE_KEY", **options)["key"] == key.signing.public.fingerprint
    reference = options["reference"]
    assert run_module("cosign_verify", reference=reference, public_keys=[{"uri": "env://RELEASE_PUB"}])["verified"]
    for uri, words in (("env://NONE", "variable NONE is not set"), ("env://a b", "must be env://NAME")):
        assert words in run_module("cosign_sign", key=uri, **options)["msg"]
    wrong = run_module("cosign_verify", reference=reference, public_keys=[{"uri": "env://RELEASE_KEY"}])
    assert "a private key, where the public key" in wrong["msg"]
    assert Path(key.path).read_text().splitlines()[2] not in json.dumps(wrong)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"regenerate": "always"}, "regenerate: a key in a key store is never replaced"),
        ({"mode": "0640"}, "mode: it is that of a file for the private key"),
        ({"key": "env://X"}, "key: nothing can be made in an environment variable"),
        ({"key": "k8s://x", "passphrase": ""}, "it must be k8s://NAMESPACE/SECRET"),
        ({"key_store": {"timeout": 0}}, "key_store.timeout: 0 is not between"),
        ({"key_store": {"ca_path": "/nowhere"}}, "key_store.ca_path: /nowhere does not exist"),
    ],
)
def test_what_a_key_in_a_store_cannot_be_told(
    options: dict[str, t.Any], words: str, run_module: RunModule, vault: FakeVault
) -> None:
    assert words in run_module("cosign_keypair", **{"key": "hashivault://release", **options})["msg"]
    assert vault.asked == []


def test_the_file_of_the_public_key_follows_when_told(run_module: RunModule, vault: FakeVault, tmp_path: Path) -> None:
    public = tmp_path / "release.pub"
    options: dict[str, t.Any] = {"key": "hashivault://release", "public_key_path": str(public)}
    assert run_module("cosign_keypair", **options)["actions"] == [f"wrote the public key {public}"]
    vault.add("release")
    assert run_module("cosign_keypair", **options)["failure"]["code"] == "other_public_key"
    followed = run_module("cosign_keypair", regenerate="public_key", **options)
    assert followed["key_version"] == "2"
    assert public.read_bytes() == vault.public_pem("release", 2)
