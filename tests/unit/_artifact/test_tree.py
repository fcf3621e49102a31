# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a directory is packed, in which order, and what must not be."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import socket
import sys
import typing as t
from pathlib import Path

import pytest
from support.file_trees import listed, make

from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Entry, Tree, UnreadableTree, Walk
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption


def open_below(root: Path) -> list[str]:
    """What this process has open there."""
    targets = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            targets.append(os.readlink(f"/proc/self/fd/{number}"))
    return [target for target in targets if target.startswith(str(root))]


class TestOrder:
    def test_depth_first_in_byte_order_with_the_root_first(self, tmp_path: Path) -> None:
        make(tmp_path, "x.yaml", "sub/y.yaml", ".sourceignore", "Z.yaml", "sub.yaml", "sub-a/b", "é", "z", "a\u0300")
        expected = ["./", ".sourceignore", "Z.yaml", "a\u0300", "sub/", "sub/y.yaml", "sub-a/", "sub-a/b", "sub.yaml"]
        assert sorted(listed(tmp_path)) == sorted([*expected, "x.yaml", "z", "é"])
        in_order = ["./", ".sourceignore", "Z.yaml", "a\u0300", "sub/", "sub/y.yaml", "sub-a/", "sub-a/b"]
        assert listed(tmp_path) == [*in_order, "sub.yaml", "x.yaml", "z", "é"]

    def test_names_are_sorted_as_bytes_not_as_text(self, tmp_path: Path) -> None:
        make(tmp_path, "\U0001f600", "\uff5e")  # in UTF-16 the other way round
        assert listed(tmp_path) == ["./", "\uff5e", "\U0001f600"]

    def test_empty_directories_are_kept(self, tmp_path: Path) -> None:
        make(tmp_path, "a/b/", "f")
        assert listed(tmp_path) == ["./", "a/", "a/b/", "f"]

    def test_deeper_than_pythons_stack(self, tmp_path: Path) -> None:
        depth, path = 400, str(tmp_path)
        for _turn in range(depth):
            path += "/d"
            os.mkdir(path)
        Path(path, "f").touch()
        limit = sys.getrecursionlimit()
        try:
            sys.setrecursionlimit(len(inspect.stack(0)) + 100)
            names = listed(tmp_path)
        finally:
            sys.setrecursionlimit(limit)
        assert len(names) == depth + 2

    def test_one_directory_at_a_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path, *(f"{number}/f" for number in range(9)))
        read: list[str] = []
        listing = os.listdir

        def noted(descriptor: int) -> list[str]:
            read.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            return listing(descriptor)

        monkeypatch.setattr(os, "listdir", noted)
        entries = Tree(str(tmp_path), Ignore()).entries()
        assert next(entries) == Entry(".")
        assert read == []
        assert [next(entries).name for _turn in range(2)] == ["0", "0/f"]
        assert read == [str(tmp_path), str(tmp_path / "0")]


class TestRoot:
    def test_a_file(self, tmp_path: Path) -> None:
        make(tmp_path, "app.zip")
        assert list(Tree(str(tmp_path / "app.zip"), Ignore()).entries()) == [
            Entry("."),
            Entry("app.zip", str(tmp_path / "app.zip")),
        ]

    def test_a_link_to_a_file_is_the_file_under_the_name_of_the_link(self, tmp_path: Path) -> None:
        make(tmp_path, "..data/app.yaml")
        (tmp_path / "app.yaml").symlink_to("..data/app.yaml")  # as a mounted ConfigMap
        entries = list(Tree(str(tmp_path / "app.yaml"), Ignore()).entries())
        assert entries[1] == Entry("app.yaml", str(tmp_path / "..data/app.yaml"))

    def test_a_link_to_a_directory_is_the_directory(self, tmp_path: Path) -> None:
        make(tmp_path, "real/f")
        (tmp_path / "link").symlink_to("real")
        assert listed(tmp_path / "link") == ["./", "f"]
        assert listed(f"{tmp_path}/link/../real/") == ["./", "f"]

    def test_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(make(tmp_path, "f"))
        assert listed(".") == ["./", "f"]
        assert listed("f") == ["./", "f"]

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("none", "does not exist"),
            ("f/none", "does not exist"),
            ("empty", "holds no file to pack"),
            ("ignored", "holds no file to pack"),
            ("fifo", "neither a directory nor a regular file"),
            ("broken", "neither a directory nor a regular file"),
            ("loop", "neither a directory nor a regular file"),
        ],
    )
    def test_what_cannot_be_packed(self, tmp_path: Path, path: str, reason: str) -> None:
        make(tmp_path, "f", "empty/a/", "ignored/x.png")
        (tmp_path / "empty/link").symlink_to("../f")
        (tmp_path / "broken").symlink_to("none")
        (tmp_path / "loop").symlink_to("loop")
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(InvalidOption, match=reason) as caught:
            Tree(str(tmp_path / path), Ignore()).check()
        assert caught.value.message.startswith(f"path: {tmp_path}/{path} ")

    def test_one_file_is_enough(self, tmp_path: Path) -> None:
        Tree(str(make(tmp_path, "a/b/f")), Ignore()).check()


class TestIgnored:
    def test_an_excluded_directory_is_not_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path, ".git/objects/x", "a/f")
        listing = os.listdir

        def guarded(descriptor: int) -> list[str]:
            assert ".git" not in os.readlink(f"/proc/self/fd/{descriptor}")
            return listing(descriptor)

        monkeypatch.setattr(os, "listdir", guarded)
        assert listed(tmp_path, ".git/") == ["./", "a/", "a/f"]

    def test_a_file_below_an_excluded_directory_can_come_back_without_it(self, tmp_path: Path) -> None:
        make(tmp_path, "a/b/keep", "a/b/f", "a/f")
        assert listed(tmp_path, "a/", "!keep") == ["./", "a/b/keep"]

    def test_stars_and_exceptions(self, tmp_path: Path) -> None:
        make(tmp_path, "a/x/y.yaml", "a/z.txt", "a/keep", "b.yaml", "README")
        assert listed(tmp_path, "*", "!*.yaml") == ["./", "a/x/y.yaml", "b.yaml"]
        assert listed(tmp_path, "a/*", "!a/keep") == ["./", "README", "a/", "a/keep", "b.yaml"]
        assert listed(tmp_path, "/a/**") == ["./", "README", "b.yaml"]

    def test_ignored_names_may_be_odd(self, tmp_path: Path) -> None:
        make(tmp_path, "a\nb.tmp", "f")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.tmp")).touch()
        assert listed(tmp_path, "*.tmp") == ["./", "f"]


class TestNoFiles:
    def test_links_sockets_and_pipes_are_skipped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(make(tmp_path, "d/f"))
        os.mkfifo("pipe")
        for name, target in {"file": "d/f", "dir": "d", "out": "/etc", "broken": "none", "self": "self"}.items():
            os.symlink(target, name)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
            assert listed(".") == ["./", "d/", "d/f"]

    def test_devices_are_skipped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path, "f", "g")
        null, original = os.stat("/dev/null"), os.stat
        monkeypatch.setattr(os, "stat", lambda path, **options: null if path == "g" else original(path, **options))
        assert listed(tmp_path) == ["./", "f"]


class TestResolvedLinks:
    def test_inside_the_tree(self, tmp_path: Path) -> None:
        make(tmp_path, "d/f", "e/")
        (tmp_path / "file").symlink_to("d/f")
        (tmp_path / "e/dir").symlink_to("../d")
        (tmp_path / "chain").symlink_to(tmp_path / "file")
        os.mkfifo(tmp_path / "d/pipe")
        (tmp_path / "pipe").symlink_to("d/pipe")
        entries = {entry.name: entry.source for entry in Tree(str(tmp_path), Ignore(), True).entries()}
        assert list(entries) == [".", "chain", "d", "d/f", "e", "e/dir", "e/dir/f", "file"]
        assert entries["chain"] == entries["file"] == entries["e/dir/f"] == str(tmp_path / "d/f")

    def test_ignore_looks_at_the_name_of_the_link(self, tmp_path: Path) -> None:
        make(tmp_path, "d/f")
        (tmp_path / "x.png").symlink_to("d/f")
        assert listed(tmp_path, "*.png", "d/", resolve=True) == ["./"]

    @pytest.mark.fault("A12")
    def test_what_is_ignored_is_not_packed_under_another_name(self, tmp_path: Path) -> None:
        make(tmp_path, ".git/config", ".git/refs/x", "secret/key", "a.yaml", "d/e")
        (tmp_path / "conf").symlink_to(".git")
        (tmp_path / "refs").symlink_to(".git/refs")
        (tmp_path / "k").symlink_to("secret/key")
        (tmp_path / "chain").symlink_to("conf")
        (tmp_path / "d/up").symlink_to("../secret")
        walk = Walk()
        entries = Tree(str(tmp_path), Ignore([".git/", "secret/"]), True).entries(walk)
        assert [entry.name for entry in entries] == [".", "a.yaml", "d", "d/e"]
        assert walk == Walk(2, dict.fromkeys(["chain", "conf", "d/up", "k", "refs"], "leads to what is ignored"))

    def test_links_that_are_left_out_are_named(self, tmp_path: Path) -> None:
        make(tmp_path, "root/a.yaml", "root/charts/", "library/Chart.yaml")
        (tmp_path / "root/charts/lib").symlink_to("../../library")
        (tmp_path / "root/latest").symlink_to("a.yaml")
        (tmp_path / "root/photo.png").symlink_to("/nowhere")
        (tmp_path / "root/quiet").symlink_to("/nowhere")
        walk = Walk()
        list(Tree(str(tmp_path / "root"), Ignore(["*.png", "quiet/"])).entries(walk))
        assert walk == Walk(1, {"charts/lib": "leads out of the tree", "latest": ""})

    @pytest.mark.parametrize(
        ("target", "reason"),
        [
            ("/etc/hostname", "leads out of the tree"),
            ("../outside", "leads out of the tree"),
            ("../root2/f", "leads out of the tree"),
            ("d/back/../../outside", "leads out of the tree"),
            ("d/../../root/../outside", "leads out of the tree"),
            ("none", "link to nothing"),
            ("f/x", "link to nothing"),
            ("link", "link to nothing"),
            (".", "link to a directory that holds it"),
            ("../root", "link to a directory that holds it"),
        ],
    )
    def test_elsewhere_is_an_error(self, tmp_path: Path, target: str, reason: str) -> None:
        root = make(tmp_path / "root", "d/g", "f")
        make(tmp_path, "outside/f", "root2/f")
        (root / "d/back").symlink_to("..")
        (root / "link").symlink_to(target)
        with pytest.raises(UnreadableTree, match=reason) as caught:
            listed(root, "d", resolve=True)
        assert caught.value.details == {"entry": "link"}

    def test_links_that_multiply_a_tree_for_ever(self, tmp_path: Path) -> None:
        depth = 40
        make(tmp_path, *(f"{number:02}/" for number in range(depth)), f"{depth - 1}/f")
        for number in range(depth - 1):
            for name in "ab":
                (tmp_path / f"{number:02}" / name).symlink_to(f"../{number + 1:02}")
        with pytest.raises(UnreadableTree, match="is a link after more than 10000 others to directories"):
            listed(tmp_path, resolve=True)

    def test_cycles_through_others(self, tmp_path: Path) -> None:
        make(tmp_path, "a/f", "b/f")
        (tmp_path / "a/b").symlink_to("../b")
        (tmp_path / "b/a").symlink_to("../a")
        with pytest.raises(UnreadableTree, match="'a/b/a' is a link to a directory that holds it"):
            listed(tmp_path, resolve=True)


class TestUnreadable:
    def test_a_directory_that_vanishes(self, tmp_path: Path) -> None:
        make(tmp_path, "a/f", "b/g")
        entries = Tree(str(tmp_path), Ignore()).entries()
        assert [next(entries).name for _turn in range(3)] == [".", "a", "a/f"]
        (tmp_path / "b/g").unlink()
        (tmp_path / "b").rmdir()
        with pytest.raises(UnreadableTree, match="'b' cannot be read: No such file") as caught:
            next(entries)
        assert caught.value.details == {"entry": "b"}

    def test_a_directory_that_turns_into_a_link_while_it_is_read(self, tmp_path: Path) -> None:
        make(tmp_path, "root/a/f")
        make(tmp_path, "secret/f")
        entries = Tree(str(tmp_path / "root"), Ignore()).entries()
        assert [next(entries).name for _turn in range(2)] == [".", "a"]
        (tmp_path / "root/a/f").unlink()
        (tmp_path / "root/a").rmdir()
        (tmp_path / "root/a").symlink_to(tmp_path / "secret")
        with pytest.raises(UnreadableTree, match="cannot be read"):
            list(entries)

    @pytest.mark.parametrize("call", ["open", "stat", "listdir"])
    def test_an_error_of_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
        make(tmp_path, "a/f")
        original: t.Callable[..., t.Any] = getattr(os, call)

        def fail(path: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
            where = os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else str(path)
            if os.path.basename(where) == "a":
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)
            return original(path, *arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            with pytest.raises(UnreadableTree, match="'a' cannot be read: Input/output error"):
                listed(tmp_path)
        assert open_below(tmp_path) == []

    def test_directories_are_closed(self, tmp_path: Path) -> None:
        make(tmp_path, "a/b/f", "a/g")
        (tmp_path / "c").symlink_to("a/b")
        entries = Tree(str(tmp_path), Ignore(), True).entries()
        assert [next(entries).name for _turn in range(4)][-1] == "a/b/f"
        assert sorted(open_below(tmp_path)) == [str(tmp_path / name) for name in ("", "a", "a/b")]
        assert [entry.name for entry in entries][-1] == "c/f"
        assert open_below(tmp_path) == []
        unfinished = Tree(str(tmp_path), Ignore()).entries()
        assert [next(unfinished).name for _turn in range(3)][-1] == "a/b"
        del unfinished
        assert open_below(tmp_path) == []
