# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of signatures, each changed in one place, judged by one run of cosign and by ours: neither is alone.

MUTANT_SEED chooses others. Where ours alone refuses, a rule of docs/compatibility.md says so.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from interop.cosign import Cosign, Keys
from interop.legacy_mutants import STRICTER, LegacyMutant, legacy_mutants
from interop.mutants import mutants
from interop.places import Place
from interop.stored import Stored, compact
from support.plain_client import sha256

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle
from ansible_collections.proven.gitops.plugins.module_utils._cosign.malformed import MalformedSignature, UnreadSignature
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push

SEED = int(os.environ.get("MUTANT_SEED", "1"))
RULES = Path(__file__).resolve().parent.parent.parent / "docs" / "compatibility.md"


@pytest.fixture
def stored(embedded: Place, push: Push) -> Stored:
    return Stored(embedded, push(embedded))


@pytest.fixture(scope="session")
def key(keys: Keys) -> SigningKey:
    return SigningKey.load(keys.private.read_bytes(), keys.password.encode(), "test")


def _marks(values: t.Any) -> set[str]:
    """The value of every annotation `mark` in what cosign says that it has verified."""
    if isinstance(values, dict):
        inner = [values["mark"]] if isinstance(values.get("mark"), str) else []
        return set(inner).union(*(_marks(value) for value in values.values()))
    return set[str]().union(*(_marks(value) for value in values)) if isinstance(values, list) else set()


def _ours(ours: Ours, stored: Stored, keys: Keys, form: str) -> set[str]:
    [verdict] = ours("cosign_verify", reference=stored.reference, public_keys=keys.verifiers)["verdicts"]
    passed = [one for one in verdict["signatures"] if one["verdict"] == "verified" and one["format"] == form]
    return _marks([one["annotations"] for one in passed])


def _why_unread(raw: bytes) -> str:
    """Why ours reads a bundle no further, where it says of itself that a peer may; empty if it does not."""
    try:
        bundle.parse_bundle(raw)
    except UnreadSignature as error:
        return error.message
    except MalformedSignature:
        pass
    return ""


def test_bundles(stored: Stored, keys: Keys, key: SigningKey, cosign3: Cosign, ours: Ours) -> None:
    found = {mutant.mark: mutant for mutant in mutants(SEED, 400, stored.digest, key.sign)}
    for mutant in found.values():
        stored.plant_bundle(mutant.raw, annotations={"mark": mutant.mark})
    theirs = _marks(cosign3.accepts(stored.reference, keys, "bundle"))
    mine = _ours(ours, stored, keys, "bundle")
    assert len(theirs) > 100
    assert not [found[mark].name for mark in mine - theirs], "only ours takes them"
    alone = [found[mark] for mark in theirs - mine]
    assert not [one.name for one in alone if not _why_unread(one.raw)], "only cosign takes them, and no rule says so"


def _plant(stored: Stored, layers: t.Iterable[LegacyMutant]) -> None:
    described = []
    for layer in layers:
        stored.client.push_blob(layer.payload)
        known = {"size": len(layer.payload), "digest": sha256(layer.payload)}
        described.append({"mediaType": layer.media_type, **known, "annotations": layer.annotations})
    config = compact({"rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in described]}, "config": {}})
    stored.client.push_blob(config)
    image = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config), "digest": sha256(config)}
    document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": image}
    stored.client.push_manifest({**document, "layers": described}, stored.signature_tag)


def test_legacy(stored: Stored, keys: Keys, key: SigningKey, cosign: Cosign, ours: Ours) -> None:
    made = legacy_mutants(SEED, 400, stored.digest, key.sign)
    crashes = cosign.major == 2  # by a certificate of white space alone
    found = {
        mutant.mark: mutant
        for mutant in made
        if not (crashes and mutant.name.endswith("certificates: white space alone"))
    }
    _plant(stored, found.values())
    theirs = _marks(cosign.accepts(stored.reference, keys, "legacy"))
    mine = _ours(ours, stored, keys, "legacy")
    assert len(theirs) > 100
    assert not [found[mark].name for mark in mine - theirs], "only ours takes them"
    assert not [found[mark].name for mark in theirs - mine if not found[mark].stricter], "only cosign takes them"


def test_every_rule_by_which_only_ours_refuses_is_written_down() -> None:
    text = RULES.read_text(encoding="utf-8").replace("\n  ", " ")
    assert [rule for rule in set(STRICTER.values()) if rule not in text] == []
