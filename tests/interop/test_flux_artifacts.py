# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts: the flux CLI pulls, lists, tags and compares ours; we pull, read and adopt its."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from interop.cosign import Cosign, Keys
from interop.places import Place
from interop.stored import Stored

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours
    from interop.peers import Cli

SOURCE, REVISION = "https://git.example.org/fleet.git", "main@sha1:0123456789abcdef0123456789abcdef01234567"
WHENCE = ("--source", SOURCE, "--revision", REVISION)
SAID: dict[str, t.Any] = {"source": SOURCE, "revision": REVISION}


@pytest.fixture(scope="session")
def real(flux: Cli) -> bytes:
    """Flux's own install manifests, 3,500 real lines."""
    file = os.environ.get("LAB_FLUX_MANIFESTS")
    if file:
        return Path(file).read_bytes()
    return flux("install", "--export", "--components=source-controller,kustomize-controller").encode()


@pytest.fixture
def manifests(manifests: Path, real: bytes) -> Path:
    """The small tree with real manifests, an unusual name and an empty directory in it."""
    (manifests / "flux-install.yaml").write_bytes(real)
    (manifests / "sub" / "größe").mkdir()
    (manifests / "sub" / "größe" / f"{'long-' * 25}name.yaml").write_text("kind: Secret\n")
    (manifests / "sub" / "empty").mkdir()
    return manifests


def _flux_push(flux: Cli, tag: str, path: Path, *more: str) -> str:
    """The new artifact by digest."""
    answer = flux.json("push", "artifact", f"oci://{tag}", "--path", str(path), "--output", "json", *WHENCE, *more)
    return f"{answer['repository']}@{answer['digest']}"


def _tree(directory: Path) -> dict[str, bytes | None]:
    """Names and contents; None for a directory."""
    found = sorted(directory.rglob("*"))
    return {str(path.relative_to(directory)): None if path.is_dir() else path.read_bytes() for path in found}


def test_flux_pulls_what_we_push(place: Place, manifests: Path, flux: Cli, ours: Ours, tmp_path: Path) -> None:
    repository = place.repository()
    pushed = ours("oci_push", reference=f"oci://{repository}:v1.0.0", path=str(manifests), **SAID)["artifact"]
    (tmp_path / "out").mkdir()
    flux("pull", "artifact", f"oci://{repository}:v1.0.0", "--output", str(tmp_path / "out"))
    assert _tree(tmp_path / "out") == _tree(manifests)
    [line] = flux("list", "artifacts", f"oci://{repository}", "--filter-semver", ">=1").splitlines()[1:]
    assert line.split() == [f"{repository}:v1.0.0", pushed["digest"], SOURCE, REVISION]


def test_we_pull_what_flux_pushes(place: Place, manifests: Path, flux: Cli, ours: Ours, tmp_path: Path) -> None:
    repository = place.repository()
    reference = _flux_push(flux, f"{repository}:v1.0.0", manifests, "-a", "org.example/key=a value")
    dest = tmp_path / "out"
    options: dict[str, t.Any] = {"reference": f"oci://{repository}:v1.0.0", "dest": str(dest)}
    assert [ours("oci_pull", **options)["changed"] for _turn in range(2)] == [True, False]
    assert _tree(dest) == _tree(manifests)
    [info] = ours("oci_artifact_info", reference=f"oci://{repository}:v1.0.0")["artifacts"]
    assert info["reference"] == reference
    assert (info["source"], info["revision"], info["tags"]) == (SOURCE, REVISION, ["v1.0.0"])
    assert info["annotations"]["org.example/key"] == "a value"
    assert info["created"]


@pytest.mark.parametrize("more", [(), ("--reproducible",)], ids=["now", "reproducible"])
def test_what_flux_pushed_is_adopted(
    more: tuple[str, ...],
    place: Place,
    manifests: Path,
    flux: Cli,
    ours: Ours,
    cosign3: Cosign,
    keys: Keys,
) -> None:
    """Not pushed again, but signed as it is."""
    repository = place.repository()
    reference = _flux_push(flux, f"{repository}:v1", manifests, *more)
    options = {"reference": f"oci://{repository}:v1", "path": str(manifests), **SAID}
    for check in (True, False, True, False):
        result = ours("oci_push", check=check, **options)
        assert (result["changed"], result["artifact"]["state"]) == (False, "adopted")
        assert result["artifact"]["reference"] == reference
    by_digest = {**options, "reference": f"oci://{repository}", "compare_with": "v1"}
    assert ours("oci_push", **by_digest)["artifact"]["reference"] == reference
    flux("diff", "artifact", f"oci://{repository}:v1", "--path", str(manifests))
    ours("cosign_sign", reference=reference, **keys.options)
    cosign3.accepts(reference, keys, "bundle")


def test_one_file_is_adopted(embedded: Place, manifests: Path, flux: Cli, ours: Ours) -> None:
    file = manifests / "flux-install.yaml"
    tag = f"{embedded.repository()}:v1"
    reference = _flux_push(flux, tag, file)
    artifact = ours("oci_push", reference=f"oci://{tag}", path=str(file), **SAID)["artifact"]
    assert (artifact["state"], artifact["reference"]) == ("adopted", reference)


def _one_byte(manifests: Path) -> None:
    file = manifests / "flux-install.yaml"
    file.write_bytes(file.read_bytes().replace(b"a", b"b", 1))


CHANGES: dict[str, t.Callable[[Path], object]] = {
    "one byte": _one_byte,
    "a file more": lambda tree: (tree / "more.yaml").write_text(""),
    "a file less": lambda tree: (tree / "app.yaml").unlink(),
    "a directory more": lambda tree: (tree / "new").mkdir(),
    "another name": lambda tree: (tree / "app.yaml").rename(tree / "App.yaml"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_tree_is_not_adopted(change: str, embedded: Place, manifests: Path, flux: Cli, ours: Ours) -> None:
    tag = f"{embedded.repository()}:v1"
    reference = _flux_push(flux, tag, manifests)
    CHANGES[change](manifests)
    _is_new(tag, reference, manifests, ours, **SAID)


@pytest.mark.parametrize("foreign", ["org.example/key=x", "org.opencontainers.image.revision=other"])
def test_another_annotation_is_not_adopted(
    foreign: str, embedded: Place, manifests: Path, flux: Cli, ours: Ours
) -> None:
    tag = f"{embedded.repository()}:v1"
    reference = _flux_push(flux, tag, manifests, "-a", foreign)
    name, _equals, value = foreign.partition("=")
    if not name.startswith("org.opencontainers"):
        wanted = ours("oci_push", reference=f"oci://{tag}", path=str(manifests), annotations={name: value}, **SAID)
        assert wanted["artifact"]["state"] == "adopted"
    _is_new(tag, reference, manifests, ours, **SAID)


def test_a_second_layer_is_not_adopted(
    embedded: Place, manifests: Path, flux: Cli, crane: Cli, ours: Ours, tmp_path: Path
) -> None:
    """Flux would apply the first layer only, and whoever asks for another one would get what nobody read."""
    tag = f"{embedded.repository()}:v1"
    _flux_push(flux, tag, manifests)
    flux("build", "artifact", "--path", str(manifests), "--output", str(tmp_path / "more.tgz"))
    crane("append", "--base", tag, "--new_layer", str(tmp_path / "more.tgz"), "--new_tag", tag)
    reference = f"{tag.rpartition(':')[0]}@{crane('digest', tag)}"
    _is_new(tag, reference, manifests, ours, **SAID)


def _is_new(tag: str, reference: str, manifests: Path, ours: Ours, **options: t.Any) -> None:
    """Refused where the tag would have to move, and pushed where it may; never taken for what flux pushed."""
    options = {"reference": f"oci://{tag}", "path": str(manifests), **options}
    assert ours("oci_push", fails=True, **options)["failure"]["code"] == "tag_exists"
    moved = ours("oci_push", move=True, **options)
    assert (moved["changed"], moved["artifact"]["state"]) == (True, "pushed")
    assert moved["artifact"]["reference"] != reference
    assert not ours("oci_push", **options)["changed"]


def test_flux_diff_compares_compressed_bytes(
    embedded: Place, manifests: Path, flux: Cli, ours: Ours, tmp_path: Path
) -> None:
    """`flux diff artifact` says that ours differs from its own tree, though the content is the same: it compares the
    digest of its own compressed bytes with the layer's, and no other compressor writes the bytes of Go's. What it
    pushed itself (and we adopted) does not differ. To compare the content, pull it.
    """
    repository = embedded.repository()
    ours("oci_push", reference=f"oci://{repository}:ours", path=str(manifests))
    _flux_push(flux, f"{repository}:theirs", manifests)
    assert flux.run("diff", "artifact", f"oci://{repository}:ours", "--path", str(manifests)).code == 1
    assert flux.run("diff", "artifact", f"oci://{repository}:theirs", "--path", str(manifests)).code == 0
    pulled = [tmp_path / name for name in ("ours", "theirs")]
    for directory in pulled:
        directory.mkdir()
        flux("pull", "artifact", f"oci://{repository}:{directory.name}", "--output", str(directory))
    assert _tree(pulled[0]) == _tree(pulled[1])


def test_tags(place: Place, manifests: Path, flux: Cli, crane: Cli, ours: Ours) -> None:
    """Each tags what the other pushed, and takes the other's tags for what they are."""
    repository = place.repository()
    pushed = ours("oci_push", reference=f"oci://{repository}:v1", path=str(manifests))["artifact"]
    flux("tag", "artifact", f"oci://{repository}:v1", "--tag", "stable", "--tag", "latest")
    assert crane("digest", f"{repository}:stable") == pushed["digest"]
    assert not ours("oci_tag", reference=pushed["url"], tags=["stable", "latest"])["changed"]
    theirs = _flux_push(flux, f"{repository}:v2", manifests)
    refused = ours("oci_tag", fails=True, reference=f"oci://{theirs}", tags=["stable"])
    assert refused["failure"]["code"] == "tag_exists"
    assert ours("oci_tag", reference=f"oci://{theirs}", tags=["stable"], move=True)["changed"]
    assert crane("digest", f"{repository}:stable") == theirs.partition("@")[2]
    listed = flux("list", "artifacts", f"oci://{repository}").splitlines()[1:]
    assert sorted(line.split()[0].rpartition(":")[2] for line in listed) == ["latest", "stable", "v1", "v2"]


def test_the_manifest_is_laid_out_as_theirs(embedded: Place, manifests: Path, flux: Cli, ours: Ours) -> None:
    """Same fields in the same order, same media types, the very same config; but for the layer and our annotation."""
    repository = embedded.repository()
    created = "2026-01-02T03:04:05Z"
    theirs = _flux_push(flux, f"{repository}:theirs", manifests, "-a", f"org.opencontainers.image.created={created}")
    pushed = ours("oci_push", reference=f"oci://{repository}", path=str(manifests), created=created, **SAID)
    documents = [Stored(embedded, name) for name in (pushed["artifact"]["reference"], theirs)]
    mine, other = (json.loads(stored.raw(stored.digest)) for stored in documents)
    assert mine["annotations"].pop("gitops.proven/content-digest") == pushed["artifact"]["content_digest"]
    for document in (mine, other):
        [layer] = document["layers"]
        document["layers"] = [{**layer, "digest": None, "size": None}]
    assert json.dumps(mine) == json.dumps(other)
