# SPDX-License-Identifier: GPL-3.0-or-later
"""oras and crane read what we push and sign, and a copy of theirs is as good as the original."""

from __future__ import annotations

import io
import json
import tarfile
import typing as t
from pathlib import Path

from interop.cosign import Cosign, Keys
from interop.places import Place
from interop.stored import BUNDLE, Stored
from support.plain_client import sha256

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.peers import Cli

# What the flux CLI writes.
CONFIG = (
    '{"architecture":"","created":"0001-01-01T00:00:00Z","os":"",'
    '"rootfs":{"type":"layers","diff_ids":null},"config":{}}'
)
FLUX_PARTS = {"config.json": "config.v1+json", "layer.tgz": "content.v1.tar+gzip"}
PLAIN = "--plain-http"
BETWEEN = ("--from-plain-http", "--to-plain-http")


def _names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        return packed.getnames()


def test_oras_reads_what_we_push(place: Place, oras: Cli, push: Push, tmp_path: Path) -> None:
    reference = push(place)
    repository, _at, digest = reference.partition("@")
    raw = oras.run("manifest", "fetch", PLAIN, reference).output
    assert sha256(raw) == digest
    [layer] = json.loads(raw)["layers"]
    blob = oras.run("blob", "fetch", PLAIN, "--output", "-", f"{repository}@{layer['digest']}").output
    assert sha256(blob) == layer["digest"]
    assert _names(blob) == [".", "app.yaml", "sub", "sub/more.yaml"]
    # As of flux's artifacts, `oras pull` finds no files: their layers have no title.
    assert oras.json("pull", PLAIN, "--format", "json", "--output", str(tmp_path / "out"), reference)["files"] == []


def test_crane_reads_what_we_push(place: Place, crane: Cli, ours: Ours, manifests: Path) -> None:
    tag = f"{place.repository()}:v1"
    artifact = ours("oci_push", reference=f"oci://{tag}", path=str(manifests))["artifact"]
    assert crane("digest", tag) == artifact["digest"]
    assert sha256(crane.run("manifest", tag).output.rstrip(b"\n")) == artifact["digest"]
    crane("validate", "--remote", tag)
    exported = crane.run("export", tag, "-").output
    assert _names(exported) == [".", "app.yaml", "sub", "sub/more.yaml"]
    assert crane("ls", tag.rpartition(":")[0]) == "v1"


def test_oras_finds_our_bundle(place: Place, oras: Cli, push: Push, ours: Ours, keys: Keys) -> None:
    """By the referrers API where there is one, else by the fallback tag; the latter has it only where it is needed."""
    reference = push(place)
    signed = ours("cosign_sign", reference=reference, **keys.options)
    assert signed["changed"]
    [stored] = ours("oci_artifact_info", reference=reference)["artifacts"][0]["signatures"]
    for how in ((), ("--distribution-spec", f"v1.1-referrers-{'api' if place.referrers else 'tag'}")):
        found = oras.json("discover", PLAIN, "--format", "json", *how, reference)
        [referrer] = found["referrers"]
        assert (referrer["digest"], referrer["artifactType"]) == (stored["digest"], BUNDLE)
        assert referrer["annotations"]["dev.sigstore.bundle.content"] == "dsse-envelope"
    assert oras.json("discover", PLAIN, "--format", "json", "--artifact-type", "x/y", reference)["referrers"] == []


def test_oras_copies_artifact_and_bundle(
    place: Place, embedded: Place, oras: Cli, push: Push, ours: Ours, keys: Keys, cosign3: Cosign
) -> None:
    """To where the referrers API is, and back into a registry that may have none."""
    reference = push(place)
    digest = reference.partition("@")[2]
    ours("cosign_sign", reference=reference, **keys.options)
    there = embedded.repository()
    back = place.repository("back")
    for source, target in ((reference.partition("@")[0], there), (there, back)):
        oras("cp", "--recursive", *BETWEEN, f"{source}@{digest}", f"{target}:v1")
        [verdict] = ours("cosign_verify", reference=f"{target}:v1", public_keys=keys.verifiers)["verdicts"]
        assert (verdict["reference"], verdict["formats"]) == (f"{target}@{digest}", ["bundle"])
        assert not ours("cosign_sign", reference=f"{target}@{digest}", **keys.options)["changed"]
        cosign3.accepts(f"{target}@{digest}", keys, "bundle")


def test_crane_copies_artifact_and_signature_tag(
    place: Place, embedded: Place, crane: Cli, push: Push, ours: Ours, keys: Keys, cosign2: Cosign
) -> None:
    """Without its signatures a copy is unsigned; with the `.sig` tag it is as good as the original."""
    reference = push(place)
    repository, _at, digest = reference.partition("@")
    ours("cosign_sign", reference=reference, format="legacy", **keys.options)
    there = embedded.repository()
    copy = f"{there}@{digest}"
    crane("copy", reference, f"{there}:v1")
    refused = ours("cosign_verify", fails=True, reference=copy, public_keys=keys.verifiers)
    assert refused["verdicts"][0]["verdict"] == "unsigned"
    tag = Stored(embedded, copy).signature_tag
    crane("copy", f"{repository}:{tag}", f"{there}:{tag}")
    cosign2.accepts(copy, keys, "legacy")
    [verdict] = ours("cosign_verify", reference=copy, public_keys=keys.verifiers)["verdicts"]
    assert verdict["formats"] == ["legacy"]


def test_cosign_copies_everything(
    place: Place, embedded: Place, push: Push, ours: Ours, keys: Keys, cosign3: Cosign
) -> None:
    """`cosign copy` takes the signatures along."""
    reference = push(place)
    ours("cosign_sign", reference=reference, format="legacy", **keys.options)
    there = embedded.repository()
    cosign3.cli("copy", reference, f"{there}:v1")
    [verdict] = ours("cosign_verify", reference=f"{there}:v1", public_keys=keys.verifiers)["verdicts"]
    assert verdict["formats"] == ["legacy"]


def test_we_pull_what_oras_pushes(
    place: Place, oras: Cli, flux: Cli, ours: Ours, manifests: Path, tmp_path: Path
) -> None:
    """As Flux would; but it is not adopted, since oras gives the layer a title, which we never would."""
    flux("build", "artifact", "--path", str(manifests), "--output", str(tmp_path / "layer.tgz"))
    (tmp_path / "config.json").write_text(CONFIG)
    tag = f"{place.repository()}:v1"
    config, layer = (f"{name}:application/vnd.cncf.flux.{kind}" for name, kind in FLUX_PARTS.items())
    pushed = oras.json("push", PLAIN, "--format", "json", "--config", config, tag, layer, cwd=tmp_path)
    [info] = ours("oci_artifact_info", reference=f"oci://{tag}")["artifacts"]
    assert (info["digest"], info["artifact_type"]) == (pushed["digest"], "application/vnd.cncf.flux.config.v1+json")
    assert ours("oci_pull", reference=f"oci://{tag}", dest=str(tmp_path / "out"))["changed"]
    assert (tmp_path / "out" / "app.yaml").read_bytes() == (manifests / "app.yaml").read_bytes()
    refused = ours("oci_push", fails=True, reference=f"oci://{tag}", path=str(manifests))
    assert refused["failure"]["code"] == "tag_exists"


def test_we_pull_and_sign_what_crane_pushes(
    place: Place, crane: Cli, flux: Cli, ours: Ours, keys: Keys, cosign3: Cosign, manifests: Path, tmp_path: Path
) -> None:
    """An image with one layer: not a Flux artifact, but Flux takes it, and cosign and we sign it."""
    flux("build", "artifact", "--path", str(manifests), "--output", str(tmp_path / "layer.tgz"))
    tag = f"{place.repository()}:v1"
    crane("append", "--oci-empty-base", "--new_layer", str(tmp_path / "layer.tgz"), "--new_tag", tag)
    assert ours("oci_pull", reference=f"oci://{tag}", dest=str(tmp_path / "out"))["changed"]
    assert (tmp_path / "out" / "sub" / "more.yaml").read_text() == "kind: Namespace\n"
    reference = f"{tag.rpartition(':')[0]}@{crane('digest', tag)}"
    ours("cosign_sign", reference=reference, **keys.options)
    cosign3.accepts(reference, keys, "bundle")
