# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts: helm 4 and helm 3 pull, show and template ours; we adopt theirs; both cosigns verify what we sign."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from interop.stored import Stored

from ansible_collections.proven.gitops.plugins.module_utils._helm import artifact
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours
    from interop.cosign import Cosign, Format, Keys
    from interop.peers import Cli, Home
    from interop.places import Place

HELLO = Path(__file__).with_name("chart_hello.json")  # names and texts: linters take templates for YAML
RENDER = ("--include-crds", "--kube-version", "1.33.0")  # the newest that helm 3 knows by itself is older
VERSION, TAG = "1.2.3+build.5", "1.2.3_build.5"


@pytest.fixture(params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest, home: Home) -> Cli:
    """Each helm in turn."""
    return home.cli(request.param)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart with everything in it."""
    for name, text in json.loads(HELLO.read_text(encoding="utf-8")).items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return tmp_path / "tree"


def _repository(place: Place) -> str:
    return f"{place.repository()}/hello"


def test_helm_takes_what_we_push(place: Place, chart: Path, helm: Cli, ours: Ours, tmp_path: Path) -> None:
    repository = _repository(place)
    pushed = ours("helm_chart_push", reference=f"oci://{repository}:{TAG}", path=str(chart))["artifact"]
    assert (pushed["state"], pushed["version_tag"]) == ("pushed", TAG)
    where = (f"oci://{repository}", "--version", VERSION, "--plain-http")
    helm("pull", *where, "--destination", str(tmp_path))
    packed = tmp_path / f"hello-{VERSION}.tgz"
    assert packed.stat().st_size == pushed["layer_size"]
    for what in ("chart", "values", "crds", "readme"):
        assert helm("show", what, str(packed)) == helm("show", what, str(chart))
    assert helm("show", "chart", *where) == helm("show", "chart", str(chart))
    rendered = helm("template", "name", str(chart), *RENDER)
    assert rendered.count("kind: ConfigMap") == 5
    assert helm("template", "name", *where, *RENDER) == rendered


def _push(helm: Cli, place: Place, chart: Path, into: Path) -> tuple[str, Path]:
    """A chart that helm packs and pushes: its repository, and its archive."""
    into.mkdir(exist_ok=True)
    helm("package", str(chart), "--destination", str(into))
    packed = into / f"hello-{VERSION}.tgz"
    repository = _repository(place)
    helm("push", str(packed), f"oci://{repository.rpartition('/')[0]}", "--plain-http")
    return repository, packed


def test_we_adopt_what_helm_pushes(place: Place, chart: Path, helm: Cli, ours: Ours, tmp_path: Path) -> None:
    """Though its archive is another, and has the time of its packing; and only while it is the same chart."""
    repository, _packed = _push(helm, place, chart, tmp_path / "out")
    given: dict[str, t.Any] = {"reference": f"oci://{repository}:{TAG}", "path": str(chart)}
    assert ours("helm_chart_push", **given, check=True)["artifact"]["state"] == "adopted"
    adopted = ours("helm_chart_push", **given)
    again = ours("helm_chart_push", **given)
    by_digest = ours("helm_chart_push", reference=f"oci://{repository}", path=str(chart))
    assert [one["artifact"]["state"] for one in (adopted, again, by_digest)] == ["adopted"] * 3
    assert not adopted["changed"]
    [info] = ours("oci_artifact_info", reference=f"oci://{repository}:{TAG}")["artifacts"]
    assert adopted["artifact"]["digest"] == info["digest"]
    (chart / "templates" / "hook.yaml").write_text("# another\n")
    refused = ours("helm_chart_push", **given, fails=True)
    assert refused["failure"]["code"] == "tag_exists"
    moved = ours("helm_chart_push", **given, move=True)["artifact"]
    assert (moved["state"], moved["previous_digest"]) == ("pushed", adopted["artifact"]["digest"])


def test_config_and_annotations_are_helms_own(
    embedded: Place, chart: Path, helm: Cli, ours: Ours, tmp_path: Path
) -> None:
    repository, packed = _push(helm, embedded, chart, tmp_path / "out")
    theirs_raw = Stored(embedded, repository).raw(TAG)
    theirs = json.loads(theirs_raw)
    created = theirs["annotations"]["org.opencontainers.image.created"]
    other = _repository(embedded)
    given: dict[str, t.Any] = {"reference": f"oci://{other}:{VERSION}", "path": str(packed)}
    pushed = ours("helm_chart_push", **given, created=created)["artifact"]
    mine = Stored(embedded, other).document(TAG)
    content = mine["annotations"].pop("gitops.proven/content-digest")
    assert content == pushed["content_digest"]
    assert mine.pop("mediaType") == "application/vnd.oci.image.manifest.v1+json"
    assert mine == theirs
    assert ours("helm_chart_push", **given, created=created)["artifact"]["state"] == "unchanged"
    layers = [Descriptor(one["mediaType"], one["digest"], one["size"]) for one in theirs["layers"]]
    config = Descriptor(*(theirs["config"][key] for key in ("mediaType", "digest", "size")))
    assert artifact.as_helm(config, layers, theirs["annotations"]) == theirs_raw


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_both_cosigns_verify_our_signed_chart(
    place: Place, chart: Path, ours: Ours, keys: Keys, both: tuple[Cosign, Cosign], form: Format
) -> None:
    reference = ours("helm_chart_push", reference=f"oci://{_repository(place)}", path=str(chart))["artifact"][
        "reference"
    ]
    ours("cosign_sign", reference=reference, format=form, **keys.options)
    for cosign in both:
        assert cosign.accepts(reference, keys, form)
    tagged = ours("oci_tag", reference=reference, tags=[TAG])
    assert tagged["artifacts"][0]["tags_set"] == [TAG]


def test_a_provenance_file_goes_along_and_is_checked(
    place: Place, chart: Path, helm: Cli, home: Home, ours: Ours, tmp_path: Path
) -> None:
    """Helm signs with a key of GnuPG; gpgv checks it for us, and helm verifies what it pulls from us."""
    gnupg = tmp_path / "gnupg"
    gnupg.mkdir(mode=0o700)
    gpg = home.cli("gpg", GNUPGHOME=str(gnupg))
    batch = ("--batch", "--passphrase", "", "--pinentry-mode", "loopback")
    for name in ("Packer", "Other"):
        gpg(*batch, "--quick-gen-key", f"{name} <{name}@example.org>", "rsa2048", "sign", "never")
        gpg("--output", str(tmp_path / f"{name}.gpg"), "--export", f"{name}@example.org")
    gpg(*batch, "--output", str(tmp_path / "secret.gpg"), "--export-secret-keys", "Packer@example.org")
    signing = ("--sign", "--key", "Packer", "--keyring", str(tmp_path / "secret.gpg"))
    helm("package", str(chart), "--destination", str(tmp_path), *signing)
    packed = tmp_path / f"hello-{VERSION}.tgz"
    repository = _repository(place)
    given: dict[str, t.Any] = {"reference": f"oci://{repository}:{TAG}", "path": str(packed), "provenance": True}
    refused = ours("helm_chart_push", **given, keyring=str(tmp_path / "Other.gpg"), fails=True)
    assert "not signed by a key of the keyring" in refused["msg"]
    pushed = ours("helm_chart_push", **given, keyring=str(tmp_path / "Packer.gpg"))
    assert pushed["artifact"]["state"] == "pushed"
    assert ours("helm_chart_push", **given)["artifact"]["state"] == "unchanged"
    (tmp_path / "pulled").mkdir()
    verify = ("--verify", "--keyring", str(tmp_path / "Packer.gpg"))
    helm("pull", f"oci://{repository}", "--version", VERSION, "--plain-http", "-d", str(tmp_path / "pulled"), *verify)
    assert (tmp_path / "pulled" / packed.name).read_bytes() == packed.read_bytes()
    proof = packed.with_name(f"{packed.name}.prov")
    proof.write_text(proof.read_text().replace("sha256:", "sha256:0", 1))
    assert "for hello-" in ours("helm_chart_push", **given, fails=True)["msg"]
