# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a chart are packed: our reading of .helmignore beside `helm package`."""

from __future__ import annotations

import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._helm.errors import InvalidChart
from ansible_collections.proven.gitops.plugins.module_utils._helm.files import of_directory
from ansible_collections.proven.gitops.plugins.module_utils._helm.limits import Budget

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.peers import Cli, Home

FILES = (
    *("README.md", "a.txt", "ab.txt", "b.txt", "a-b", "a/b", "a/c/b", "a/c/d.txt", ".hidden", ".dir/x", "größe.txt"),
    *("templates/x.yaml", "templates/.x.yaml", "templates/sub/.y.yaml", "templates/sub/y.yaml", "templates/_h.tpl"),
    *("docs/a.txt", "docs/deep/a.txt", "crds/c.yaml", "files/[x]", "files/a b.txt", "files/xxy", "files/!neg", "#c"),
    *("charts/README.md.tgz.txt/x", "ci/values.yaml", "ci/sub/values.yaml", "Makefile", "a]b", "a^b", "a*b", "z-"),
)
CASES = (
    *("", "# README.md", "README.md", "readme.md", "*.txt", "a*", "?.txt", "*b*", "*", "?", "*/*", "*/*/*"),
    *("/a.txt", "/a/b", "a/b", "/b", "docs", "docs/", "/docs/", "docs/a.txt", "docs/*", "*/a.txt", "a/", "a/c/"),
    *("a/c", "deep/", "deep", "/deep", "[ab].txt", "[a-b].txt", "[^a].txt", "[!a].txt", "a[^x]b", "a[-]b", "a[a-z/]b"),
    *(r"\#c", r"files/\[x\]", r"a\*b", r"a\]b", "a]b", "a[]]b", "[]a]", "[a", "[b-a].txt", "a\\", "**", "**/a.txt"),
    *("a**b", "!a.txt", "!*.txt", "!*\nChart.yaml", "!docs/", "!/docs", "!", "/", "//", "!/", "  *.txt  ", "*.txt\r"),
    *("\ufeffREADME.md", "a.txt\nb.txt", "a.txt\n!a.txt", "!a.txt\na.txt", ".*", ".?*", ".*/", "/.*", "templates/"),
    *("templates", "templates/*", "*.yaml", "templates/sub", "größe.txt", "gr[ö]ße.txt", "gr??e.txt", "files/a b.txt"),
    *("files/x?y", "files/!neg", "!neg", "\\!neg", "./a.txt", "a.txt/", "ci/values.yaml/", "../a.txt", "a//b", "z-"),
    *(
        "[z-",
        "z[-",
        "[a-]",
        "[^]",
        "[^a",
        "*.md\n\n#x\n*.tpl",
        "Chart.yaml",
        "\x0b*.txt\x0b",
        "\u3000*.txt",
        "\x1c*.txt",
    ),
)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("ignored") / "app"
    for name in FILES:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "charts" / "README.md.tgz.txt" / "Chart.yaml").write_text("apiVersion: v2\nname: sub\nversion: 0.1.0\n")
    (tree / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 1.0.0\n")
    return tree


def _helm(helm: Cli, chart: Path, into: Path) -> set[str] | None:
    """What `helm package` packs; None where it refuses."""
    done = helm.run("package", str(chart), "--destination", str(into))
    if done.code:
        return None
    with tarfile.open(into / "app-1.0.0.tgz") as packed:
        # Helm calls a subchart's directory by its name.
        return {
            name.removeprefix("app/").replace("charts/sub/", "charts/README.md.tgz.txt/") for name in packed.getnames()
        }


@pytest.mark.parametrize("number", range(len(CASES)), ids=[ascii(case) for case in CASES])
def test_the_same_files_as_helm(number: int, chart: Path, home: Home, tmp_path: Path) -> None:
    (chart / ".helmignore").write_text(CASES[number], encoding="utf-8", newline="")
    theirs = _helm(home.cli("helm"), chart, tmp_path)
    try:
        ours: set[str] | None = set(of_directory(str(chart), Budget()))
    except InvalidChart:
        ours = None
    if ours is not None and "Chart.yaml" not in ours:
        ours = None
    assert ours == theirs
