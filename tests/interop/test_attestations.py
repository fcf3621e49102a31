# SPDX-License-Identifier: GPL-3.0-or-later
"""Attestations: what we attest cosign verifies and the other way round; what is not what was asked is refused."""

from __future__ import annotations

import base64
import json
import time
import typing as t
from pathlib import Path

import pytest
from interop.cosign import Cosign, Keys
from interop.places import Place
from interop.stored import Document, Stored
from support.predicates import PREDICATES

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from support.private_sigstore import Sigstore

each_kind = pytest.mark.parametrize("kind", PREDICATES)
SCAN = PREDICATES["vuln"]


@pytest.fixture
def predicate(tmp_path: Path) -> t.Callable[[t.Any], Path]:
    """A predicate in a file."""

    def write(value: t.Any) -> Path:
        path = tmp_path / "predicate.json"
        path.write_text(json.dumps(value, ensure_ascii=False))
        return path

    return write


def _said(done: bytes) -> list[Document]:
    """The statements that cosign says it verified."""
    return [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in done.splitlines()]


@each_kind
def test_they_verify_what_we_attest(
    kind: str, cosign: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours, predicate: t.Callable[[t.Any], Path]
) -> None:
    reference, path = push(embedded), predicate(PREDICATES[kind])
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        done = ours(
            "cosign_attest",
            check=check,
            reference=reference,
            predicate_type=kind,
            predicate_path=str(path),
            **keys.options,
        )
        assert done["changed"] is changed, done
    accepted = cosign.verify_attestation(reference, keys.public, kind)
    assert accepted.code == 0, accepted
    [statement] = _said(accepted.output)
    assert statement["subject"][0]["digest"]["sha256"] == reference.partition("@sha256:")[2]
    if kind != "custom":
        assert statement["predicate"] == PREDICATES[kind]


@each_kind
def test_we_verify_what_they_attest(
    kind: str, cosign: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours, predicate: t.Callable[[t.Any], Path]
) -> None:
    reference, path = push(embedded), predicate(PREDICATES[kind])
    cosign.attest(reference, keys, kind, path)
    [verdict] = ours("cosign_verify", reference=reference, public_keys=keys.verifiers, predicate_type=kind)["verdicts"]
    [found] = verdict["attestations"]
    assert (verdict["verdict"], found["omitted"], found["time"]) == ("verified", False, None)
    again = ours("cosign_attest", reference=reference, predicate_type=kind, predicate_path=str(path), **keys.options)
    # cosign 2 reads a provenance into a structure of its own, and writes that with all its empty fields.
    assert again["changed"] is (cosign.major == 2 and kind.startswith("slsa"))


def test_our_attestation_says_what_theirs_says(
    cosign3: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours, predicate: t.Callable[[t.Any], Path]
) -> None:
    reference, path = push(embedded), predicate(SCAN)
    stored = Stored(embedded, reference)
    cosign3.attest(reference, keys, "https://example.com/scan/v1", path)
    their_bundle, their_manifest = stored.bundle()
    stored.delete(stored.referrers()[0]["digest"])
    ours(
        "cosign_attest",
        reference=reference,
        predicate_type="https://example.com/scan/v1",
        predicate_path=str(path),
        **keys.options,
    )
    our_bundle, our_manifest = stored.bundle()
    assert _statement(our_bundle) == _statement(their_bundle)
    for bundle in (our_bundle, their_bundle):
        bundle["dsseEnvelope"] |= {"payload": "", "signatures": len(bundle["dsseEnvelope"]["signatures"])}
    assert our_bundle == their_bundle
    for manifest in (our_manifest, their_manifest):
        manifest["annotations"].pop("org.opencontainers.image.created", None)
        manifest["layers"] = [layer["mediaType"] for layer in manifest["layers"]]
    assert our_manifest == their_manifest


def test_what_is_not_what_was_asked_is_refused_by_both(
    cosign3: Cosign, place: Place, keys: Keys, other_keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(place)
    ours("cosign_attest", reference=reference, predicate_type="vuln", predicate=SCAN, **keys.options)
    for kind, pair, expected in (
        ("vuln", keys, "verified"),
        ("openvex", keys, "unsigned"),
        ("vuln", other_keys, "wrong_key"),
    ):
        good = expected == "verified"
        theirs = cosign3.verify_attestation(reference, pair.public, kind)
        assert (theirs.code == 0) is good, (kind, theirs)
        asked: dict[str, t.Any] = {"reference": reference, "public_keys": pair.verifiers, "predicate_type": kind}
        assert ours("cosign_verify", fails=not good, **asked)["verdicts"][0]["verdict"] == expected
    signature = ours("cosign_verify", fails=True, reference=reference, public_keys=keys.verifiers)
    assert signature["verdicts"][0]["verdict"] == "unsigned"


def test_an_attestation_of_another_artifact_is_refused_by_both(
    cosign3: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    first, second = push(embedded), push(embedded, annotations={"number": "two"})
    ours("cosign_attest", reference=first, predicate_type="vuln", predicate=SCAN, **keys.options)
    bundle, _manifest = Stored(embedded, first).bundle()
    Stored(embedded, second).plant_bundle(bundle)
    assert cosign3.verify_attestation(second, keys.public, "vuln").code != 0
    refused = ours("cosign_verify", fails=True, reference=second, public_keys=keys.verifiers, predicate_type="vuln")
    assert refused["verdicts"][0]["verdict"] == "tampered"


def test_a_predicate_that_was_changed_is_refused_by_both(
    cosign3: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    ours("cosign_attest", reference=reference, predicate_type="vuln", predicate=SCAN, **keys.options)
    stored = Stored(embedded, reference)
    bundle, _manifest = stored.bundle()
    stored.delete(stored.referrers()[0]["digest"])
    statement = _statement(bundle)
    statement["predicate"]["scanner"]["result"] = {"critical": []}
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    stored.plant_bundle(bundle)
    assert cosign3.verify_attestation(reference, keys.public, "vuln").code != 0
    refused = ours("cosign_verify", fails=True, reference=reference, public_keys=keys.verifiers, predicate_type="vuln")
    assert refused["verdicts"][0]["verdict"] == "wrong_key"


def _statement(bundle: Document) -> Document:
    return t.cast(Document, json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"])))


def test_of_keyless_ones_the_newest_decides(sigstore: Sigstore, embedded: Place, push: Push, ours: Ours) -> None:
    reference = push(embedded)
    clean = {**SCAN, "scanner": {**SCAN["scanner"], "result": {"critical": []}}}
    asked: dict[str, t.Any] = {"reference": reference, "predicate_type": "vuln", **sigstore.verifying()}
    none = {"properties": {"critical": {"maxItems": 0}}}
    asked["predicate_schema"] = {"properties": {"scanner": {"properties": {"result": none}}}}
    for predicate, good in ((clean, True), (SCAN, False)):
        said: dict[str, t.Any] = {"reference": reference, "predicate_type": "vuln", "predicate": predicate}
        assert ours("cosign_attest", **said, **sigstore.signing())["changed"]
        [verdict] = ours("cosign_verify", fails=not good, **asked)["verdicts"]
        [deciding] = verdict["attestations"]
        assert (verdict["verified"], deciding["predicate"]) == (good, predicate)
        assert deciding["time"] is not None
        assert not ours("cosign_attest", **said, **sigstore.signing())["changed"]
        time.sleep(1.1)  # time stamps count seconds
    del asked["predicate_schema"]
    assert ours("cosign_verify", max_age="1h", **asked)["verified"]
    [old] = ours("cosign_verify", fails=True, min_age="1h", **asked)["verdicts"]
    assert (old["verdict"], "min_age" in old["reason"]) == ("wrong_identity", True)
