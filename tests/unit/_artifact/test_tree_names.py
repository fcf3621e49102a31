# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that are packed, and those that must not be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.file_trees import listed, make

from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import UnreadableTree

GIT_NAMES = (
    ".git",
    ".GIT",
    ".gIt.",
    ".git ",
    ".git...",
    ".git. .",
    ".git:x",
    "git~1",
    "GIT~1",
    ".g\u200cit",
    "\ufeff.git",
)
NOT_GIT_NAMES = (".github", ".gitignore", "git", "x.git", "git~2", ".git_", "\u0261it")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            (b"a\\b", "holds a backslash"),
            (b"a\nb", "holds a control character"),
            (b"\x1b[2J", "holds a control character"),
            (b"\x7f", "holds a control character"),
            ("\u009b2J".encode(), "holds a control character"),
            (b"\xff", "is not UTF-8"),
            (b"\xed\xa0\x80", "is not UTF-8"),
            (b"a../b", "is not a path inside the archive"),
            (b"a/b../c", "is not a path inside the archive"),
        ],
    )
    def test_what_flux_or_a_reader_could_not_unpack(self, tmp_path: Path, name: bytes, reason: str) -> None:
        path = os.fsencode(tmp_path) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        with pytest.raises(UnreadableTree, match=reason) as caught:
            listed(tmp_path)
        str(caught.value.as_failure()).encode("utf-8")  # can be printed

    @pytest.mark.parametrize(
        "name", ["a..", "..a", "...", "a b", "a:b", "\u202e", "*", "-rf", "%s", "a" * 255, "é" * 127]
    )
    def test_what_everybody_can(self, tmp_path: Path, name: str) -> None:
        make(tmp_path, name)
        assert listed(tmp_path) == ["./", name]
        assert listed(tmp_path / name) == ["./", name]

    def test_the_name_of_a_single_file_is_checked_too(self, tmp_path: Path) -> None:
        make(tmp_path, "a\\b")
        with pytest.raises(UnreadableTree, match="holds a backslash"):
            listed(tmp_path / "a\\b")

    @pytest.mark.fault("A5")
    def test_only_the_case_differs(self, tmp_path: Path) -> None:
        make(tmp_path, "a/README", "a/Readme", "b/README", "straße", "STRASSE")
        with pytest.raises(UnreadableTree, match="'a/Readme' and another name here are one file"):
            listed(tmp_path)
        with pytest.raises(UnreadableTree, match="'straße' and another name here are one file"):
            listed(tmp_path, "Readme")
        assert len(listed(tmp_path, "Readme", "STRASSE")) == 6

    @pytest.mark.fault("A5")
    @pytest.mark.parametrize(
        "names",
        [
            ("k", "\u212a"),
            ("K", "\u212a"),
            ("ss", "ß"),
            ("stra\u1e9ee", "strasse"),
            ("é", "e\u0301"),
            ("É", "e\u0301"),
            ("\uac00", "\u1100\u1161"),
            ("ﬁ", "fi"),
            ("a", "a."),
            ("a", "a "),
            ("A", "a. ."),
            ("a", "a\u200d"),
            ("\u0130", "i\u0307"),
        ],
    )
    def test_one_file_on_the_disks_of_others(self, tmp_path: Path, names: tuple[str, str]) -> None:
        make(tmp_path, *names)
        with pytest.raises(UnreadableTree, match="are one file on a Mac or on Windows"):
            listed(tmp_path)
        later = max(names, key=str.encode)
        assert len(listed(tmp_path, f"/{later.replace(' ', chr(92) + ' ')}")) == 2

    @pytest.mark.fault("A12")
    @pytest.mark.parametrize("name", GIT_NAMES)
    def test_git_in_every_spelling(self, tmp_path: Path, name: str) -> None:
        make(tmp_path, "a/ok", f"{name}/config")
        with pytest.raises(UnreadableTree, match="leads into git's own directory"):
            listed(tmp_path)
        assert listed(tmp_path, f"{name.rstrip()}*") == ["./", "a/", "a/ok"]

    def test_near_to_git_but_not(self, tmp_path: Path) -> None:
        make(tmp_path, *NOT_GIT_NAMES)
        assert len(listed(tmp_path)) == 1 + len(NOT_GIT_NAMES)

    def test_the_locale_changes_nothing(self, tmp_path: Path) -> None:
        make(tmp_path, "é", "ü/ö")
        code = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree\n"
            "from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore\n"
            "from ansible_collections.proven.gitops.plugins.module_utils._artifact import tarball\n"
            "print(b''.join(tarball.stream(Tree(sys.argv[2], Ignore()).entries())).hex())\n"
        )
        output = {
            subprocess.run(
                [sys.executable, "-c", code, _collections(), tmp_path],
                env={"LC_ALL": locale, "PYTHONUTF8": utf8, "PYTHONCOERCECLOCALE": "0"},
                capture_output=True,
                check=True,
            ).stdout
            for locale, utf8 in (("C", "0"), ("C.UTF-8", "0"), ("POSIX", "1"))
        }
        assert len(output) == 1
        assert "é".encode().hex() in output.pop().decode()


def _collections() -> str:
    return next(path for path in sys.path if path.endswith("build/collections"))
