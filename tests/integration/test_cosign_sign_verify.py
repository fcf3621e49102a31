# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign_sign and cosign_verify against the embedded registry, with and without the referrers API."""

from __future__ import annotations

import json
import threading
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.registry import RunningRegistry, registry
from support.signing import PASSPHRASE, Key, artifact, count, either, keys, sign, verdict, verify

from ansible_collections.proven.gitops.plugins.module_utils._cosign import simple_signing
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Response
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    INDEX,
    Descriptor,
    Manifest,
    build_index,
)
from ansible_collections.proven.gitops.plugins.module_utils._oci.reference import Reference
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.sign import Sign, SignRequest

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["either", "keys", "registry"]


@pytest.mark.parametrize("form", ["bundle", "legacy", "both", "auto"])
def test_four_ways(run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...], form: str) -> None:
    reference, said = artifact(either), {"env": "<prod> & é"}
    assert verdict(run_module, reference, keys[0]) == "unsigned"
    predicted = sign(run_module, reference, keys[0], format=form, annotations=said, check=True)
    assert predicted["changed"]
    assert verdict(run_module, reference, keys[0]) == "unsigned"
    done = sign(run_module, reference, keys[0], format=form, annotations=said)
    assert done["changed"]
    assert done["diff"] == predicted["diff"]
    wanted = {"bundle": int(form != "legacy"), "legacy": int(form in ("legacy", "both"))}
    assert count(either, reference) == wanted
    writes = len(either.writes())
    for check in (True, False):
        assert not sign(run_module, reference, keys[0], format=form, annotations=said, check=check)["changed"]
    assert len(either.writes()) == writes, "what is there is not written again"
    proven = verify(run_module, reference, keys[0], annotations=said)["verdicts"][0]
    assert proven["verdict"] == "verified"
    assert proven["formats"] == sorted(name for name, number in wanted.items() if number)
    assert proven["signed_by"] == [keys[0].signing.public.fingerprint]
    assert PASSPHRASE not in json.dumps([predicted["signatures"], done["diff"], done["actions"]])


def test_other_keys_and_annotations_add_signatures(
    run_module: RunModule, either: RunningRegistry, keys: tuple[Key, ...]
) -> None:
    reference = artifact(either)
    for key, said in ((keys[0], {}), (keys[1], {}), (keys[0], {"env": "prod"})):
        assert sign(run_module, reference, key, format="both", annotations=said)["changed"]
    assert count(either, reference) == {"legacy": 3, "bundle": 3}
    assert verdict(run_module, reference, keys[2]) == "wrong_key"
    assert verdict(run_module, reference, keys[2], keys[1]) == "verified"
    assert verdict(run_module, reference, keys[1], annotations={"env": "prod"}) == "wrong_identity"
    assert verdict(run_module, reference, keys[0], annotations={"env": "prod"}) == "verified"


@pytest.mark.fault("S11")
def test_threshold(run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]) -> None:
    reference = artifact(registry)
    sign(run_module, reference, keys[0], format="both")
    two_of_three = verify(run_module, reference, *keys, threshold=2)
    assert two_of_three["verdicts"][0]["verdict"] == "wrong_key"
    assert "1 of the given keys" in two_of_three["msg"], "two formats by one key are one signer"
    sign(run_module, reference, keys[2], format="legacy")
    assert verdict(run_module, reference, *keys, threshold=2) == "verified"
    assert verify(run_module, reference, keys[0], threshold=2)["failure"]["details"]["option"] == "threshold"


def test_twenty_signers_at_once_lose_nothing(run_module: RunModule, either: RunningRegistry, tmp_path: Path) -> None:
    """Many processes of one host sign one digest with keys of their own; threads stand in for the processes."""
    reference = artifact(either)
    failures: list[object] = []

    def one() -> None:
        registries = Registries(ConnectionSettings(), CredentialStore(None, None, {}))
        case = Sign(
            [SignRequest(Reference.parse(reference), ("bundle", "legacy"))], registries, SigningKey.generate(), {}
        )
        failures.append(case.apply(case.plan()).failure)

    threads = [threading.Thread(target=one) for _turn in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [None] * 20
    assert count(either, reference) == {"legacy": 20, "bundle": 20}


def test_a_lost_update_is_noticed_and_repaired(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
) -> None:
    """Another host, which our lock does not reach, writes the tag between our write and our reading back."""
    reference = artifact(registry)
    sign(run_module, reference, keys[1], format="legacy")
    theirs = client(registry.address).get_manifest("team/app", simple_signing.tag_for(reference.partition("@")[2]))
    assert theirs is not None
    registry.hooks.append(OverwriteOnce(registry, *theirs))
    assert sign(run_module, reference, keys[0], format="legacy")["changed"]
    assert verdict(run_module, reference, keys[0]) == "verified"
    assert verdict(run_module, reference, keys[1]) == "verified"


class OverwriteOnce(Hook):
    """After the first write of a `.sig` tag, put back what was there before."""

    def __init__(self, registry: RunningRegistry, raw: bytes, media_type: str) -> None:
        self.registry, self.raw, self.media_type, self.done = registry, raw, media_type, False

    def after(self, request: t.Any, response: t.Any) -> t.Any:
        if request.method == "PUT" and request.target.endswith(".sig") and not self.done:
            self.done = True
            tag = request.target.rpartition("/")[2]
            client(self.registry.address).put_manifest("team/app", tag, self.raw, self.media_type)
        return response


def test_what_another_host_brings_back_is_not_written_twice(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
) -> None:
    """It had read our signature before a third one lost it, and writes after that, when we have read back."""
    reference = artifact(registry)
    registry.hooks.append(LoseAndBringBack(registry))
    assert sign(run_module, reference, keys[0], format="legacy")["changed"]
    assert count(registry, reference)["legacy"] == 1


class LoseAndBringBack(Hook):
    """Hides the first `.sig` tag from the first look at it."""

    def __init__(self, registry: RunningRegistry) -> None:
        self.registry, self.hides = registry, False

    def after(self, request: t.Any, response: t.Any) -> t.Any:
        if not request.target.endswith(".sig"):
            return response
        if request.method == "PUT":
            self.hides = True
        elif self.hides:
            self.hides = False
            return Response(404)
        return response


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"reference": "oci://127.0.0.1:1/app:v1"}, "invalid_option", "digest"),
        ({"reference": "oci://127.0.0.1:1/App"}, "invalid_option", "repository"),
        ({"privatekey_path": "/nonexistent.key"}, "invalid_option", "privatekey_path"),
        ({"privatekey_passphrase": "not-this-one"}, "wrong_passphrase", "privatekey"),
        ({"privatekey_passphrase": ""}, "wrong_passphrase", "privatekey"),
        ({"flux_version": "2.7"}, "invalid_option", "format"),
        ({"flux_version": "two"}, "invalid_option", "flux_version"),
        ({"annotations": {"version": 1.10}}, "invalid_option", "annotations"),
    ],
)
def test_bad_input_to_sign(
    run_module: RunModule, keys: tuple[Key, ...], change: dict[str, t.Any], code: str, word: str
) -> None:
    options: dict[str, t.Any] = {
        "reference": f"oci://127.0.0.1:1/app@sha256:{'0' * 64}",
        "privatekey_path": keys[0].path,
        "privatekey_passphrase": PASSPHRASE,
        **change,
    }
    result = run_module("cosign_sign", **options)
    assert result["failed"]
    assert result["failure"]["code"] == code, result
    assert word in result["msg"]
    assert PASSPHRASE not in result["msg"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"public_keys": [{"path": "/nonexistent.pub"}]}, "public_keys[0]"),
        ({"public_keys": [{"content": "garbage"}]}, "public_keys[0]"),
        ({"public_keys": []}, "public_keys"),
        ({"threshold": 0}, "threshold"),
        ({"flux_version": "x"}, "flux_version"),
        ({"annotations": {"a": True}}, "annotations"),
    ],
)
def test_bad_input_to_verify(run_module: RunModule, keys: tuple[Key, ...], change: dict[str, t.Any], word: str) -> None:
    options: dict[str, t.Any] = {"reference": "127.0.0.1:1/app:v1", "public_keys": [{"path": keys[0].pub}], **change}
    result = run_module("cosign_verify", **options)
    assert result["failed"]
    assert result["failure"]["code"] == "invalid_option", result
    assert word in result["msg"]


def test_nothing_is_not_verified(run_module: RunModule, keys: tuple[Key, ...]) -> None:
    """A list that came out empty by mistake must not pass for "all verified"."""
    result = run_module("cosign_verify", references=[], public_keys=[{"path": keys[0].pub}])
    assert result["failure"]["details"]["option"] == "references"


def test_a_private_key_is_no_public_key(run_module: RunModule, keys: tuple[Key, ...]) -> None:
    pem = Path(keys[0].path).read_text()
    result = run_module("cosign_verify", reference="127.0.0.1:1/app:v1", public_keys=[{"content": pem}])
    assert result["failed"]
    assert pem.splitlines()[1] not in result["msg"]
    assert "private" in result["msg"]


def test_key_material_by_content_and_environment(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", PASSPHRASE)
    reference = artifact(registry)
    pem = Path(keys[0].path).read_text()
    assert run_module("cosign_sign", reference=reference, privatekey_content=pem)["changed"]
    assert verdict(run_module, reference, keys[0]) == "verified"


def test_the_key_of_an_image_index(run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]) -> None:
    """Whatever a digest names can be signed; an index too."""
    child = Manifest.parse(
        t.cast(
            "tuple[bytes, str]", client(registry.address).get_manifest("team/app", artifact(registry).partition("@")[2])
        )[0]
    )
    raw = build_index([child.descriptor])
    described = Descriptor.of(INDEX, raw)
    client(registry.address).put_manifest("team/app", described.digest, raw, INDEX)
    reference = f"{registry.address}/team/app@{described.digest}"
    assert sign(run_module, reference, keys[0], format="both")["changed"]
    assert verdict(run_module, reference, keys[0]) == "verified"
