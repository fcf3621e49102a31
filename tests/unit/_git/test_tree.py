# SPDX-License-Identifier: GPL-3.0-or-later
"""Path safety, and the comparison of wanted files with a tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._git.errors import PathConflict
from ansible_collections.proven.gitops.plugins.module_utils._git.tree import (
    Entry,
    File,
    blob_id,
    check_files,
    check_path,
    compare,
    parents,
)

TEXT = b"hello\n"
BLOB = Entry("100644", "blob", blob_id(TEXT), len(TEXT))
SCRIPT = Entry("100755", "blob", blob_id(TEXT), len(TEXT))
LINK = Entry("120000", "blob", blob_id(b"/etc"), 4)
SUBMODULE = Entry("160000", "commit", "1" * 40)
TREE = Entry("040000", "tree", "2" * 40)


def test_blob_id_is_gits() -> None:
    assert blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_id(TEXT) == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize(
    "path", ["a", "a/b.yaml", ".github/x", ".gitignore", "a b/ü", "a.git", "git", "~x", ":(top)x", "-x", "*"]
)
def test_safe_paths(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "relative"),
        ("/etc/passwd", "relative"),
        ("a\\b", "backslash"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("a\x7f", "control"),
        ("..", r"'\.\.'"),
        ("../x", r"'\.\.'"),
        ("a/../b", r"'\.\.'"),
        ("./a", r"'\.'"),
        ("a//b", "empty part"),
        ("a/", "empty part"),
        (".git", r"\.git"),
        (".git/config", r"\.git"),
        ("a/.GIT/hooks/x", r"\.git"),
        (".Git /x", r"\.git"),
        (".git./x", r"\.git"),
        (".git::$INDEX_ALLOCATION/x", r"\.git"),
        ("GIT~1/x", r"\.git"),
        (".g\u200cit/x", r"\.git"),
        ("\ufeff.git/x", r"\.git"),
        ("a" * 4096, "4095"),
        ("\ud800", "UTF-8"),
    ],
)
def test_unsafe_paths(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_path(path)


@given(st.text(max_size=30))
def test_what_passes_stays_inside(path: str) -> None:
    try:
        check_path(path)
    except ValueError:
        return
    parts = path.split("/")
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(parts)
    assert ".git" not in [part.casefold() for part in parts]


def test_parents() -> None:
    assert list(parents("a/b/c")) == ["a", "a/b"]
    assert list(parents("a")) == []


def test_the_same_path_twice() -> None:
    with pytest.raises(ValueError, match="a is given twice"):
        check_files([File("a", TEXT), File("a", None)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README.md", "Readme.md"),
        ("apps/a.yaml", "Apps/b.yaml"),
        ("a/b/stra\u00dfe", "a/b/strasse"),
        ("caf\u00e9", "cafe\u0301"),
        ("a. /x", "a/y"),
        ("\u212a", "k"),
    ],
)
def test_two_paths_that_are_one_file_on_some_disk(one: str, other: str) -> None:
    """As oci_push has it for the names of a tree. A file may be renamed from one to the other."""
    with pytest.raises(ValueError, match="are one file on a Mac or on Windows"):
        check_files([File(one, TEXT), File(other, TEXT)])
    check_files([File(one, TEXT), File(other, None)])
    check_files([File(one, TEXT), File(f"elsewhere/{other}", TEXT)])


def test_a_file_that_is_a_directory_too() -> None:
    with pytest.raises(ValueError, match="a is given as a file and, with a/b/c, as a directory"):
        check_files([File("a/b/c", TEXT), File("a", TEXT)])
    check_files([File("a/b", TEXT), File("a", None), File("a/c", TEXT)])


@pytest.mark.parametrize(
    ("file", "entries", "status", "mode"),
    [
        (File("x", TEXT), {}, "written", "100644"),
        (File("x", TEXT, True), {}, "written", "100755"),
        (File("x", TEXT), {"x": BLOB}, "unchanged", "100644"),
        (File("x", TEXT), {"x": SCRIPT}, "unchanged", "100755"),
        (File("x", b"new"), {"x": SCRIPT}, "written", "100755"),
        (File("x", TEXT, True), {"x": BLOB}, "written", "100755"),
        (File("x", TEXT, False), {"x": SCRIPT}, "written", "100644"),
        (File("x", b""), {"x": BLOB}, "written", "100644"),
        (File("x", None), {"x": BLOB}, "removed", ""),
        (File("x", None), {"x": LINK}, "removed", ""),
        (File("x", None), {}, "unchanged", ""),
        (File("d/x", TEXT), {"d": TREE}, "written", "100644"),
        (File("d/x", None), {"d": BLOB}, "unchanged", ""),
        (File("x", b"new", force=False), {"x": SCRIPT}, "unchanged", "100755"),
        (File("x", b"new", force=False), {"x": LINK}, "unchanged", "120000"),
        (File("x", b"new", force=False), {}, "written", "100644"),
        (File("x", None, force=False), {"x": BLOB}, "removed", ""),
    ],
)
def test_compare(file: File, entries: dict[str, Entry], status: str, mode: str) -> None:
    (change,) = compare([file], entries)
    assert (change.status, change.mode, change.before) == (status, mode, entries.get(file.path))


@pytest.mark.parametrize(
    ("file", "entries", "reason"),
    [
        (File("d/x", TEXT), {"d": LINK}, "d is a symbolic link"),
        (File("d/x", None), {"d": LINK}, "d is a symbolic link"),
        (File("d/x", TEXT), {"d": SUBMODULE}, "d is a submodule"),
        (File("d/e/x", TEXT), {"d": TREE, "d/e": BLOB}, "d/e is a file in the repository"),
        (File("x", TEXT), {"x": LINK}, "is a symbolic link"),
        (File("x", TEXT), {"x": TREE}, "is a directory"),
        (File("x", None), {"x": TREE}, "is a directory"),
        (File("x", TEXT), {"x": SUBMODULE}, "is a submodule"),
        (File("x", TEXT, force=False), {"x": SUBMODULE}, "is a submodule"),
        (File("x", None), {"x": SUBMODULE}, "is a submodule"),
    ],
)
def test_conflicts(file: File, entries: dict[str, Entry], reason: str) -> None:
    with pytest.raises(PathConflict, match=reason) as caught:
        compare([file], entries)
    assert caught.value.details == {"path": file.path}


def test_what_is_removed_makes_room() -> None:
    changes = compare([File("d", None), File("d/x", TEXT)], {"d": LINK})
    assert [change.status for change in changes] == ["removed", "written"]
