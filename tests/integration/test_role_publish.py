# SPDX-License-Identifier: GPL-3.0-or-later
"""The role publish, run by ansible-playbook: nothing unsigned is ever visible under a tag, whatever fails."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, put
from support.playbook import ROOT, Ran, run
from support.registry import RunningRegistry, registry
from support.use_cases import first

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Request, Response
from ansible_collections.proven.gitops.plugins.module_utils._registry.tags import list_tags

__all__ = ["registry"]

PASSPHRASE = "canary-passphrase"


@pytest.fixture
def variables(tmp_path: Path, registry: RunningRegistry) -> dict[str, t.Any]:
    """Two artifacts and a key pair."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(f"kind: {name}\n")
    key = SigningKey.generate()
    (tmp_path / "cosign.key").write_bytes(key.encrypted_pem(PASSPHRASE.encode()))
    (tmp_path / "cosign.pub").write_bytes(key.public.pem)
    return {
        "publish_artifacts": [
            {"reference": f"oci://{registry.address}/team/{name}", "tag": tag, "path": str(tmp_path / name)}
            for name, tag in (("one", "1.10"), ("two", "v2"))
        ],
        "publish_revision": "main@sha1:1",
        "publish_privatekey_path": str(tmp_path / "cosign.key"),
        "publish_privatekey_passphrase": PASSPHRASE,
        "publish_public_keys": [{"path": str(tmp_path / "cosign.pub")}],
    }


def publish(variables: dict[str, t.Any], *arguments: str) -> Ran:
    return run(ROOT / "playbooks" / "publish.yml", variables, *arguments)


def tags(registry: RunningRegistry) -> list[list[str]]:
    return [list_tags(client(registry.address), f"team/{name}", 10) for name in ("one", "two")]


FAULTS = ["another public key", "a wrong passphrase", "the registry refuses signatures"]


class RefuseTags(Hook):
    """A registry that takes no tag of cosign's, such as one with immutable or filtered tags."""

    def before(self, request: Request) -> Response | None:
        refused = request.method == "PUT" and "/manifests/sha256-" in request.target
        return Response(403, {}, b"no") if refused else None


@pytest.mark.slow
def test_four_ways(registry: RunningRegistry, variables: dict[str, t.Any]) -> None:
    predicted = publish(variables, "--check", "--diff")
    assert predicted.code == 0, predicted.output
    assert registry.writes() == []
    done = publish(variables)
    assert done.code == 0, done.output
    steps = ["Push by digest what the tags do not have already", "Sign the digests", "Make the tags visible"]
    assert [name.rpartition(" : ")[2] for name in done.changed] == steps
    assert predicted.changed == done.changed
    assert [[tag for tag in found if not tag.startswith("sha256-")] for found in tags(registry)] == [["1.10"], ["v2"]]
    writes = len(registry.writes())
    for arguments in (("--check",), ()):
        again = publish(variables, *arguments)
        assert again.code == 0, again.output
        assert again.changed == []
    assert len(registry.writes()) == writes
    assert PASSPHRASE not in done.output


@pytest.mark.parametrize("fault", first(FAULTS, "another public key"))
def test_no_tag_on_an_unproven_digest(registry: RunningRegistry, variables: dict[str, t.Any], fault: str) -> None:
    if fault == "another public key":
        pem = SigningKey.generate().public.pem.decode()
        variables = {**variables, "publish_public_keys": [{"content": pem}]}
    elif fault == "a wrong passphrase":
        variables = {**variables, "publish_privatekey_passphrase": "not-this-one"}
    else:
        registry.hooks.append(RefuseTags())
        variables = {**variables, "publish_format": "legacy"}
    refused = publish(variables)
    assert refused.code != 0
    assert tags(registry) == [[], []]


@pytest.mark.slow
def test_a_tag_that_must_not_move_stops_before_signing(registry: RunningRegistry, variables: dict[str, t.Any]) -> None:
    put(registry.address, "team/two", "v2", [flux_tar({"x": b"y"})], {})
    refused = publish(variables)
    assert refused.code != 0
    assert [name.rpartition(" : ")[2] for name in refused.failed] == ["Make sure that the tags may be set"]
    assert list_tags(client(registry.address), "team/one", 10) == []
    moved = publish({**variables, "publish_move": True})
    assert moved.code == 0, moved.output


def test_without_a_key_nothing_starts(registry: RunningRegistry, variables: dict[str, t.Any]) -> None:
    del variables["publish_privatekey_path"]
    assert publish(variables).code != 0
    assert tags(registry) == [[], []]
