# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts: helm 4 and helm 3 pull, show and template ours; we adopt theirs; both cosigns verify what we sign."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours
    from interop.peers import Cli, Home
    from interop.places import Place

CHARTS = Path(__file__).with_name("charts")
RENDER = ("--include-crds", "--kube-version", "1.33.0")  # the newest that helm 3 knows by itself is older
VERSION, TAG = "1.2.3+build.5", "1.2.3_build.5"


@pytest.fixture(params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest, home: Home) -> Cli:
    """Each helm in turn."""
    return home.cli(request.param)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart with everything in it."""
    return Path(shutil.copytree(CHARTS / "hello", tmp_path / "tree"))


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
