# SPDX-License-Identifier: GPL-3.0-or-later
"""What is packed: the same nasty tree, by `flux build artifact` and by us, holds the same names and the same bytes."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import tarfile
import typing as t
from pathlib import Path

import pytest
from interop.places import Place

from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import FLUX_DEFAULTS, Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours
    from interop.peers import Cli

Packed = dict[str, str]  # name -> "dir" or the content

FILES = (
    ".sops.yaml",
    ".sourceignore",
    ".gitignore",
    ".github/workflow.yaml",
    "Z.yaml",
    "a.yaml",
    "a",
    "a.d/b.yaml",
    "a.d/.gitignore",
    "a.d/photo.PNG",
    "a.d/logo.png",
    "a-b/c.yaml",
    "build/build",
    "build/build.yaml",
    "build/sub/out.o",
    "docs/img.jpg/kept.yaml",
    "docs/a/b/c/deep.yaml",
    "docs/a/x.md",
    "doc",
    "größe/\u2603.yaml",
    "größe/e\u0301.yaml",
    "space name/ x.yaml",
    "space name/trailing ",
    "!bang.yaml",
    "#hash.yaml",
    "star*.yaml",
    "[x].yaml",
    f"long/{'n' * 120}/{'f' * 101}.yaml",
    "archive.tar.gz",
    "vendor/.gitmodules",
)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files, empty directories, links to all kinds of things, a socket, a pipe, odd modes."""
    root = tmp_path_factory.mktemp("nasty") / "tree"
    for name in FILES:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n*\n")
    (root / "empty").mkdir()
    (root / "docs" / "empty").mkdir()
    (root / "nothing.yaml").touch()
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "build" / "private.yaml").write_text("x")
    (root / "build" / "private.yaml").chmod(0o600)
    (root / "link.yaml").symlink_to("a.yaml")
    (root / "link-dir").symlink_to("a.d")
    (root / "docs" / "up.yaml").symlink_to("../a.d/b.yaml")
    os.mkfifo(root / "pipe")
    os.link(root / "a.yaml", root / "hard.yaml")
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(root):  # the path of a socket is short
        listener.bind("socket")
    listener.close()
    return root


def _theirs(flux: Cli, tree: Path, scratch: Path, *flags: str) -> Packed:
    archive = scratch / "artifact.tgz"
    flux("build", "artifact", "--path", str(tree), "--output", str(archive), *flags)
    return _unpack(archive)


def _unpack(archive: Path) -> Packed:
    with tarfile.open(archive) as packed:
        found: Packed = {}
        for member in packed:
            stream = packed.extractfile(member)
            found[member.name] = "dir" if stream is None else stream.read().decode()
        return found


def _ours(tree: Path, lines: t.Iterable[str], *, resolve: bool = False) -> Packed:
    entries = Tree(str(tree), Ignore(lines), resolve).entries()
    return {entry.name: "dir" if entry.source is None else Path(entry.source).read_text() for entry in entries}


PATTERNS: tuple[tuple[str, ...], ...] = (
    FLUX_DEFAULTS,
    ("*",),
    ("*", "!*.yaml"),
    ("*", "!*/", "!*.yaml"),
    ("/*", "!/a.d", "/a.d/*", "!/a.d/b.yaml"),
    ("build/",),
    ("build",),
    ("/build",),
    ("build/*", "!build/build.yaml"),
    ("**/build",),
    ("docs/**",),
    ("docs/**/deep.yaml",),
    ("docs/**/",),
    ("**",),
    ("**/",),
    ("**/.git",),
    ("a", "!a.d/"),
    ("a*", "!a-b/c.yaml"),
    ("a?d",),
    ("[a-c].yaml", "[!a]"),
    ("[^a]*",),
    ("\\!bang.yaml", "\\#hash.yaml", "star\\*.yaml", "\\[x].yaml"),
    ("#hash.yaml",),
    ("!bang.yaml",),
    ("größe/*",),
    ("größe/é.yaml",),
    ("space name/",),
    ("trailing ",),
    ("trailing\\ ",),
    (" x.yaml",),
    ("*.PNG",),
    ("docs/a", "!docs/a/x.md"),
    ("docs/*/", "!docs/a/"),
    ("/docs/a/b/c/deep.yaml",),
    ("a/b",),
    ("b/c",),
    ("*.yaml/",),
    ("empty/",),
    ("//a.yaml",),
    ("./a.yaml",),
    ("link.yaml", "pipe", "socket"),
    ("",),
)


@pytest.mark.parametrize("lines", PATTERNS, ids=lambda lines: " ".join(lines)[:40])
def test_the_same_is_left_out(lines: tuple[str, ...], flux: Cli, nasty: Path, tmp_path: Path) -> None:
    assert _ours(nasty, lines) == _theirs(flux, nasty, tmp_path, *_flags(lines))


def _flags(lines: t.Iterable[str]) -> list[str]:
    return [f"--ignore-paths={line}" for line in lines]


_WORDS = (
    "a",
    "b",
    "docs",
    "build",
    "*",
    "**",
    "?",
    "a*",
    "*.yaml",
    "*a*",
    "a.d",
    "[a-c]",
    "[^a]*",
    "c.yaml",
    "empty",
    "x",
)


def _random_line(dice: random.Random) -> str:
    path = "/".join(dice.choices(_WORDS, k=dice.choice((1, 1, 1, 2, 2, 3))))
    return dice.choice(("", "", "", "!")) + dice.choice(("", "", "/")) + path + dice.choice(("", "", "/"))


@pytest.mark.parametrize("seed", range(8))
def test_random_patterns_leave_out_the_same(seed: int, flux: Cli, nasty: Path, tmp_path: Path) -> None:
    dice = random.Random(seed)  # noqa: S311  (the same patterns each time)
    for _turn in range(12):
        lines = [_random_line(dice) for _turn in range(dice.randint(1, 4))]
        assert _ours(nasty, lines) == _theirs(flux, nasty, tmp_path, *_flags(lines)), lines


def test_gits_own_directory_is_left_out_by_default(flux: Cli, tmp_path: Path) -> None:
    tree = _tree(tmp_path, "app.yaml", ".git/config", "vendor/a/.git/HEAD")
    assert _ours(tree, FLUX_DEFAULTS) == _theirs(flux, tree, tmp_path)


@pytest.mark.parametrize("name", [".git/config", "vendor/a/.git/HEAD", "größe/\u00e9.yaml"])
def test_what_is_refused_and_flux_packs(name: str, flux: Cli, tmp_path: Path) -> None:
    """With ignore rules of one's own, flux packs git's directory, and two names that are one file on a Mac."""
    tree = _tree(tmp_path, "app.yaml", "größe/e\u0301.yaml", name)
    assert name in _theirs(flux, tree, tmp_path, *_flags(["nothing"]))
    with pytest.raises(GitopsError, match=r"^path: "):
        _ours(tree, ("nothing",))


def _tree(directory: Path, *names: str) -> Path:
    root = directory / "tree"
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n")
    return root


def test_links_are_resolved_the_same(flux: Cli, nasty: Path, tmp_path: Path) -> None:
    expected = _theirs(flux, nasty, tmp_path, "--resolve-symlinks")
    assert "link-dir/b.yaml" in expected
    assert _ours(nasty, FLUX_DEFAULTS, resolve=True) == expected


def test_a_link_out_of_the_tree_is_refused(flux: Cli, embedded: Place, ours: Ours, tmp_path: Path) -> None:
    """flux packs what it leads to; here nobody publishes /etc/shadow by way of a link that somebody committed."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "secret").write_text("secret")
    (tree / "link").symlink_to("../secret")
    (tree / "app.yaml").touch()
    assert _theirs(flux, tree, tmp_path, "--resolve-symlinks")["link"] == "secret"
    options: dict[str, t.Any] = {"reference": f"oci://{embedded.repository()}", "path": str(tree)}
    refused = ours("oci_push", fails=True, resolve_symlinks=True, **options)
    assert refused["failure"]["code"] == "unreadable_tree"
    assert ours("oci_push", **options)["changed"]


@pytest.mark.parametrize("name", ["back\\slash.yaml", "dots..../x.yaml"])
def test_a_name_that_flux_does_not_unpack_is_refused(
    name: str, flux: Cli, embedded: Place, ours: Ours, tmp_path: Path
) -> None:
    """flux packs such names, and then neither it nor Flux in the cluster can unpack the artifact."""
    tree = tmp_path / "tree"
    (tree / name).parent.mkdir(parents=True)
    (tree / name).touch()
    tag = f"{embedded.repository()}:v1"
    flux("push", "artifact", f"oci://{tag}", "--path", str(tree), "--source=s", "--revision=r")
    (tmp_path / "out").mkdir()
    assert flux.run("pull", "artifact", f"oci://{tag}", "--output", str(tmp_path / "out")).code == 1
    with pytest.raises(GitopsError):
        _ours(tree, ())
    failed = ours("oci_pull", fails=True, reference=f"oci://{tag}", dest=str(tmp_path / "ours"))
    assert failed["failure"]["code"] == "unsafe_archive"
    assert not (tmp_path / "ours").exists()
