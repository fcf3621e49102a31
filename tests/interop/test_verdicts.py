# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts: what cosign refuses we refuse, with the reason; what we refuse beyond that is named in forged.py."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from interop import forged
from interop.cosign import NO_SIGNATURE, NONE_MATCHES, Cosign, Format, Keys
from interop.forged import Scene, Signer
from interop.places import Place
from interop.stored import Stored
from support.plain_client import OCI_INDEX, OCI_MANIFEST
from support.registry import running_registry

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.peers import Cli

Both = tuple[Cosign, Cosign]
FORMATS: tuple[Format, ...] = t.get_args(Format)

CASES = {
    f"{kind}: {name}": case
    for kind, cases in (("legacy", forged.LEGACY), ("bundle", forged.BUNDLES), ("unusual", forged.UNUSUAL))
    for name, case in cases.items()
}
CODES = {"legacy: nothing": NO_SIGNATURE, "legacy: another key": NONE_MATCHES}


@pytest.fixture(scope="session")
def signers(keys: Keys, other_keys: Keys) -> tuple[Signer, Signer]:
    """Of the key that should have signed, and of another."""
    opened = [SigningKey.load(pair.private.read_bytes(), pair.password.encode(), "test") for pair in (keys, other_keys)]
    return opened[0].sign, opened[1].sign


@pytest.fixture
def scene(embedded: Place, push: Push, signers: tuple[Signer, Signer]) -> Scene:
    return Scene(Stored(embedded, push(embedded)), *signers)


def _verdict(ours: Ours, reference: str, keys: Keys, **options: t.Any) -> t.Any:
    """Our verdict, whatever it is; only what is verified succeeds."""
    asked = {"reference": reference, "public_keys": keys.verifiers, **options}
    [verdict] = ours("cosign_verify", report_only=True, **asked)["verdicts"]
    ours("cosign_verify", fails=verdict["verdict"] != "verified", **asked)
    return verdict


@pytest.mark.parametrize("name", CASES)
def test_what_they_refuse_is_refused(name: str, scene: Scene, keys: Keys, both: Both, ours: Ours) -> None:
    case, reference = CASES[name], scene.stored.reference
    case.plant(scene)
    for cosign in both:
        done = cosign.verify(reference, keys.public, case.form)
        assert (done.code == 0) is (cosign.major in case.accepted_by), done
        assert done.code == CODES.get(name, done.code)
    assert _verdict(ours, reference, keys)["verdict"] == case.verdict


@pytest.mark.parametrize("form", FORMATS)
def test_the_wrong_key_is_refused_everywhere(
    form: Format, place: Place, push: Push, keys: Keys, other_keys: Keys, both: Both, ours: Ours
) -> None:
    reference = push(place)
    for cosign in both:
        assert cosign.verify(reference, keys.public, form).code in (NO_SIGNATURE, 1)
    assert _verdict(ours, reference, keys)["verdict"] == "unsigned"
    both[0].sign(reference, other_keys, form)
    for cosign in both:
        cosign.accepts(reference, other_keys, form)
        assert cosign.verify(reference, keys.public, form).code == (NONE_MATCHES if form == "legacy" else 1)
    assert _verdict(ours, reference, keys)["verdict"] == "wrong_key"


def test_a_signature_tag_copied_to_another_digest(
    embedded: Place, push: Push, manifests: Path, keys: Keys, both: Both, crane: Cli, ours: Ours
) -> None:
    signed = push(embedded)
    ours("cosign_sign", reference=signed, format="legacy", **keys.options)
    repository = signed.partition("@")[0]
    (manifests / "evil.yaml").write_text("kind: Pod\n")
    other = push(embedded, repository)
    assert other != signed
    tags = [f"{repository}:{Stored(embedded, name).signature_tag}" for name in (signed, other)]
    crane("copy", *tags)
    for cosign in both:
        cosign.accepts(signed, keys, "legacy")
        assert cosign.verify(other, keys.public, "legacy").code == NONE_MATCHES
    assert _verdict(ours, other, keys)["verdict"] == "tampered"


def test_a_bundle_listed_for_another_digest(
    embedded_old: Place, push: Push, manifests: Path, keys: Keys, both: Both, ours: Ours
) -> None:
    """Where there is no referrers API, whoever may push writes the list: nothing ties it to the digest."""
    signed = push(embedded_old)
    ours("cosign_sign", reference=signed, **keys.options)
    (manifests / "evil.yaml").write_text("kind: Pod\n")
    other = push(embedded_old, signed.partition("@")[0])
    here, there = Stored(embedded_old, signed), Stored(embedded_old, other)
    there.client.push_manifest(here.raw(here.fallback_tag), there.fallback_tag, OCI_INDEX)
    for cosign in both:
        cosign.accepts(signed, keys, "bundle")
        assert cosign.verify(other, keys.public, "bundle").code != 0
    assert _verdict(ours, other, keys)["verdict"] == "tampered"


def test_a_referrer_of_something_else(
    embedded_old: Place, push: Push, keys: Keys, signers: tuple[Signer, Signer], both: Both, ours: Ours
) -> None:
    """Its statement is right, and its manifest says that it belongs to another digest. cosign does not look at that."""
    stored = Stored(embedded_old, push(embedded_old))
    good = forged.bundle(forged.statement(stored.digest), signers[0])
    digest = stored.plant_bundle(good, subject={**stored.descriptor(), "digest": forged.ELSEWHERE})
    raw = stored.raw(digest)
    entry = {"mediaType": OCI_MANIFEST, "size": len(raw), "digest": digest}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    stored.client.push_manifest(index, stored.fallback_tag, OCI_INDEX)
    for cosign in both:
        cosign.accepts(stored.reference, keys, "bundle")
    assert _verdict(ours, stored.reference, keys)["verdict"] == "malformed"
    assert _verdict(ours, stored.reference, keys, flux_version="2.9")["verdict"] == "verified"


@pytest.mark.parametrize("form", FORMATS)
def test_bytes_that_do_not_match_their_digest(
    form: Format, tmp_path: Path, push: Push, keys: Keys, both: Both, ours: Ours
) -> None:
    """A registry, or a disk, that changed what was signed, or the signature."""
    with running_registry(tmp_path) as registry:
        place = Place("lying", registry.address, referrers=True)
        reference = push(place)
        ours("cosign_sign", reference=reference, format=form, **keys.options)
        stored = Stored(place, reference)
        pointer = stored.signature_tag if form == "legacy" else stored.referrers()[0]["digest"]
        for cosign in both:
            cosign.accepts(reference, keys, form)
        blob = Path(registry.store.blob_path(stored.document(pointer)["layers"][0]["digest"]))
        content = blob.read_bytes()
        # cosign 2 reads no further than the size that was declared.
        for changed, blind in ((content.replace(b'"', b" ", 1), ()), (content + b"\n", (2,))):
            blob.write_bytes(changed)
            for cosign in both:
                assert (cosign.verify(reference, keys.public, form).code == 0) is (cosign.major in blind)
            assert _verdict(ours, reference, keys)["verdict"] == "tampered"


def test_an_attestation_is_no_signature(cosign: Cosign, scene: Scene, keys: Keys, tmp_path: Path, ours: Ours) -> None:
    """cosign and Flux take any statement by the key for a signature; we do only when asked to answer as Flux would."""
    reference = scene.stored.reference
    (tmp_path / "sbom.json").write_text('{"spdxVersion": "SPDX-2.3"}')
    cosign.attest(reference, keys, "spdxjson", tmp_path / "sbom.json")
    cosign.accepts(reference, keys, "bundle")
    assert _verdict(ours, reference, keys)["verdict"] == "unsigned"
    assert _verdict(ours, reference, keys, flux_version="2.9")["verdict"] == "verified"


def test_a_bundle_that_hides_a_good_signature(
    both: Both, scene: Scene, keys: Keys, other_keys: Keys, ours: Ours
) -> None:
    """Somebody else's bundle takes the legacy signature out of sight for cosign, and for Flux since 2.8; not for us."""
    reference = scene.stored.reference
    ours("cosign_sign", reference=reference, format="legacy", **keys.options)
    for cosign in both:
        cosign.accepts(reference, keys, "legacy")
    both[0].sign(reference, other_keys, "bundle")
    assert [both[0].verify(reference, keys.public, form).code == 0 for form in FORMATS] == [False, True]
    assert [both[1].verify(reference, keys.public, form).code == 0 for form in FORMATS] == [False, False]
    verdict = _verdict(ours, reference, keys)
    assert (verdict["verdict"], verdict["formats"]) == ("verified", ["legacy"])
    assert _verdict(ours, reference, keys, flux_version="2.7")["verdict"] == "verified"
    assert _verdict(ours, reference, keys, flux_version="2.8")["verdict"] == "wrong_key"
    warned = ours("cosign_sign", reference=reference, format="legacy", **keys.options)
    assert not warned["changed"]
    assert any("hides" in str(warning) for warning in warned["warnings"])
