# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures: what we sign they verify and the other way round, in both formats, in every registry."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from interop.cosign import Cosign, Format, Keys
from interop.places import Place
from interop.stored import Document, Stored
from support import module_process

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push

FORMATS: tuple[Format, ...] = t.get_args(Format)
form_each = pytest.mark.parametrize("form", FORMATS)

# What Go escapes in JSON, what JSON escapes, and what is not ASCII. (cosign reads -a as CSV, so no comma and no quote
# here; and cosign 2 takes no "=" in a value.)
ANNOTATIONS = {"html": "<b>&'</b>", "größe": "14 µm ☃ \U0001f680", "line": "\u2028\u2029", "tab": "\t\\", "a.b/c": "-"}
ANNOTATIONS_3 = ANNOTATIONS | {"equals": "x=y"}


@form_each
def test_they_verify_what_we_sign(
    form: Format, cosign: Cosign, place: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(place)
    for changed in (True, False):
        signed = ours("cosign_sign", reference=reference, format=form, **keys.options)
        assert signed["changed"] is changed, signed
    found = cosign.accepts(reference, keys, form)
    assert [item["critical"]["image"]["docker-manifest-digest"] for item in found] == [reference.partition("@")[2]]


@form_each
def test_we_verify_what_they_sign(
    form: Format, cosign: Cosign, place: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(place)
    cosign.sign(reference, keys, form)
    [verdict] = ours("cosign_verify", reference=reference, public_keys=keys.verifiers)["verdicts"]
    assert (verdict["verdict"], verdict["formats"]) == ("verified", [form])
    # The wanted signature is there, whoever made it: signing again changes nothing.
    again = ours("cosign_sign", reference=reference, format=form, **keys.options)
    assert (again["changed"], again["signatures"][0]["present"]) == (False, [form])


@form_each
def test_annotations_of_ours(form: Format, cosign: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours) -> None:
    reference = push(embedded)
    said = ANNOTATIONS if cosign.major == 2 else ANNOTATIONS_3
    ours("cosign_sign", reference=reference, format=form, annotations=said, **keys.options)
    cosign.accepts(reference, keys, form, said)
    cosign.accepts(reference, keys, form)
    asked: dict[str, t.Any] = {"reference": reference, "public_keys": keys.verifiers}
    for wrong in ({"a.b/c": "other"}, {"absent": "x"}):
        blind = (cosign.major, form) == (2, "bundle")  # it does not look at a bundle's annotations
        assert (cosign.verify(reference, keys.public, form, wrong).code == 0) is blind
        refused = ours("cosign_verify", fails=True, annotations=wrong, **asked)
        assert refused["verdicts"][0]["verdict"] == "wrong_identity"


@form_each
def test_annotations_of_theirs(
    form: Format, cosign: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    said = ANNOTATIONS if cosign.major == 2 else ANNOTATIONS_3
    cosign.sign(reference, keys, form, said)
    asked: dict[str, t.Any] = {"reference": reference, "public_keys": keys.verifiers, "annotations": said}
    if (cosign.major, form) == (2, "bundle"):
        # cosign 2.6.5 leaves annotations out of the bundles that it writes, and does not miss them when it verifies.
        cosign.accepts(reference, keys, form, said)
        assert ours("cosign_verify", fails=True, **asked)["verdicts"][0]["verdict"] == "wrong_identity"
        return
    [verdict] = ours("cosign_verify", **asked)["verdicts"]
    assert verdict["signatures"][0]["annotations"] == said
    assert not ours("cosign_sign", reference=reference, format=form, annotations=said, **keys.options)["changed"]


def test_both_formats_at_once(
    cosign3: Cosign, cosign2: Cosign, place: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    """To cosign 2.6 the bundle hides the `.sig`, and it wants a trusted root for it; cosign 3 reads either."""
    reference = push(place)
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        signed = ours("cosign_sign", check=check, reference=reference, format="both", **keys.options)
        assert signed["changed"] is changed
    for form in FORMATS:
        cosign3.accepts(reference, keys, form)
    cosign2.accepts(reference, keys, "bundle")
    assert cosign2.verify(reference, keys.public, "legacy").code == 1
    [verdict] = ours("cosign_verify", reference=reference, public_keys=keys.verifiers)["verdicts"]
    assert verdict["formats"] == ["bundle", "legacy"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", ["distribution"], indirect=True)
def test_twenty_signers_at_once(cosign3: Cosign, place: Place, push: Push, tmp_path: Path) -> None:
    """Where all of them write to the same two tags: cosign finds each signature, in both formats, and once."""
    reference, signers = push(place), []
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        signers.append(Keys.ours(tmp_path / str(number)))
    running = [
        module_process.start("cosign_sign", reference=reference, format="both", **keys.options) for keys in signers
    ]
    for process in running:
        result = module_process.finish(process)
        assert result is not None
        assert not result.get("failed"), result
    for keys in signers:
        assert len(cosign3.accepts(reference, keys, "bundle")) == 1
        assert len(cosign3.accepts(reference, keys, "legacy")) == 1


def test_cosign_finds_its_duplicate_in_our_signature(
    cosign: Cosign, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    """cosign appends nothing where the same key signed the very same payload: ours is, byte for byte."""
    reference = push(embedded)
    ours("cosign_sign", reference=reference, format="legacy", **keys.options)
    before = Stored(embedded, reference).payload()
    cosign.sign(reference, keys, "legacy")
    assert Stored(embedded, reference).payload() == before


def test_signatures_of_several_keys_stand_beside_each_other(
    cosign3: Cosign, cosign2: Cosign, place: Place, keys: Keys, other_keys: Keys, push: Push, ours: Ours
) -> None:
    """Whoever comes second adds to the `.sig` tag, and to the fallback tag where there is no referrers API."""
    reference = push(place)
    cosign3.sign(reference, other_keys, "legacy")
    ours("cosign_sign", reference=reference, format="legacy", **keys.options)
    for pair in (keys, other_keys):
        cosign2.accepts(reference, pair, "legacy")
    cosign2.sign(reference, other_keys, "bundle")
    ours("cosign_sign", reference=reference, format="bundle", **keys.options)
    for pair in (keys, other_keys):
        cosign3.accepts(reference, pair, "bundle")
    everybody = keys.verifiers + other_keys.verifiers
    [verdict] = ours("cosign_verify", reference=reference, public_keys=everybody, threshold=2)["verdicts"]
    assert len(verdict["signed_by"]) == 2
    assert [signature["verdict"] for signature in verdict["signatures"]] == ["verified"] * 4


@pytest.fixture(scope="session")
def rsa_keys(cosign3: Cosign, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A key whose signatures are the same each time."""
    directory = tmp_path_factory.mktemp("rsa")
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "rsa.pem").write_bytes(pem)
    return cosign3.convert(directory / "rsa.pem", directory / "imported", "secret")


@pytest.mark.parametrize("annotations", [{}, ANNOTATIONS], ids=["plain", "annotations"])
def test_our_legacy_signature_is_theirs_byte_for_byte(
    annotations: dict[str, str], cosign: Cosign, embedded: Place, rsa_keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    stored = Stored(embedded, reference)
    cosign.sign(reference, rsa_keys, "legacy", annotations)
    theirs = stored.raw(stored.signature_tag)
    stored.delete(stored.signature_tag)
    ours("cosign_sign", reference=reference, format="legacy", annotations=annotations, **rsa_keys.options)
    assert stored.raw(stored.signature_tag) == theirs


@pytest.mark.parametrize("annotations", [{}, ANNOTATIONS_3], ids=["plain", "annotations"])
def test_our_bundle_says_what_theirs_says(
    annotations: dict[str, str], cosign3: Cosign, embedded: Place, rsa_keys: Keys, push: Push, ours: Ours
) -> None:
    """All but white space in the statement, which differs between builds of cosign, and the time of signing."""
    reference = push(embedded)
    stored = Stored(embedded, reference)
    cosign3.sign(reference, rsa_keys, "bundle", annotations)
    their_bundle, their_manifest = stored.bundle()
    stored.delete(stored.referrers()[0]["digest"])
    assert stored.referrers() == []
    ours("cosign_sign", reference=reference, format="bundle", annotations=annotations, **rsa_keys.options)
    our_bundle, our_manifest = stored.bundle()
    assert _without_statement(our_bundle) == _without_statement(their_bundle)
    assert _statement(our_bundle) == _statement(their_bundle)
    assert _without_layer(our_manifest) == _without_layer(their_manifest)


def _statement(bundle: Document) -> t.Any:
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def _without_statement(bundle: Document) -> Document:
    envelope = bundle["dsseEnvelope"]
    names = [sorted(signature) for signature in envelope["signatures"]]
    return {**bundle, "dsseEnvelope": {**envelope, "payload": None, "signatures": names}}


def _without_layer(manifest: Document) -> Document:
    annotations = {key: value for key, value in manifest["annotations"].items() if not key.endswith(".created")}
    return {**manifest, "annotations": annotations, "layers": [layer["mediaType"] for layer in manifest["layers"]]}
