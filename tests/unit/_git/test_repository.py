# SPDX-License-Identifier: GPL-3.0-or-later
"""The port against real bare repositories in the file system."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from support.git_server import Bare

from ansible_collections.proven.gitops.plugins.module_utils._git import errors
from ansible_collections.proven.gitops.plugins.module_utils._git.access import Access, connect
from ansible_collections.proven.gitops.plugins.module_utils._git.address import parse_address
from ansible_collections.proven.gitops.plugins.module_utils._git.program import Git
from ansible_collections.proven.gitops.plugins.module_utils._git.repository import (
    CommitRequest,
    Repository,
    Tip,
    check_branch,
)
from ansible_collections.proven.gitops.plugins.module_utils._git.tree import Change, File, compare
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber

REQUEST = CommitRequest("a message\n\n")


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare.create(tmp_path / "fleet.git", {"README.md": "hello\n", "apps/a.yaml": "a: 1\n"})


@pytest.fixture
def git(tmp_path: Path) -> Git:
    directory = tmp_path / "private"
    directory.mkdir()
    return Git.locate(directory, Scrubber(), {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"})


@pytest.fixture
def repository(bare: Bare, git: Git) -> Repository:
    return opened(bare, git)


def opened(bare: Bare, git: Git, **settings: t.Any) -> Repository:
    return Repository(git, connect(parse_address(str(bare.path)), Access(), git), **settings)


def changes(repository: Repository, tip: Tip, *files: File) -> list[Change]:
    return compare(files, repository.entries(tip, [file.path for file in files]))


def committed(repository: Repository, tip: Tip, *files: File) -> str:
    return repository.commit(tip, changes(repository, tip, *files), REQUEST)


def test_clone_write_commit_push(bare: Bare, repository: Repository) -> None:
    before = bare.tip()
    tip = repository.clone("main")
    assert tip == Tip(before, exists=True)
    files = [File("apps/a.yaml", None), File("new/deep/b.sh", b"#!/bin/sh\n\xff", True), File("README.md", b"")]
    commit = committed(repository, tip, *files)
    assert bare.tip() == before
    repository.push(commit, "main")
    assert bare.tip() == commit
    assert bare.git("rev-parse", f"{commit}^") == before
    assert bare.git("ls-tree", "-r", "--name-only", commit).splitlines() == ["README.md", "new/deep/b.sh"]
    assert bare.mode("new/deep/b.sh") == "100755"
    assert bare.read("README.md") == ""
    assert bare.git("cat-file", "commit", commit).endswith("\n\na message")


def test_entries_and_content(repository: Repository) -> None:
    tip = repository.clone("main")
    entries = repository.entries(tip, ["apps/a.yaml", "apps/none", "README.md", "no/no"])
    assert {path: entry.kind for path, entry in entries.items()} == {
        "apps": "tree",
        "apps/a.yaml": "blob",
        "README.md": "blob",
    }
    assert entries["apps/a.yaml"].size == 5
    assert repository.read(entries["apps/a.yaml"].oid) == b"a: 1\n"


def test_names_that_look_like_something_else(bare: Bare, repository: Repository) -> None:
    names = ["-x", "*", "[a]", ":(top)x", ":!x", 'quo"te', "a b/ü", "~"]
    tip = repository.clone("main")
    repository.push(committed(repository, tip, *(File(name, b"x") for name in names)), "main")
    assert set(bare.files()) == {"README.md", "apps/a.yaml", *names}
    again = repository.fetch("main")
    assert {change.status for change in changes(repository, again, *(File(name, b"x") for name in names))} == {
        "unchanged"
    }
    assert changes(repository, again, File("?", None))[0].status == "unchanged"


def test_more_paths_than_fit_one_command(bare: Bare, repository: Repository) -> None:
    files = [File(f"many/{number}/file", b"%d" % number) for number in range(450)]
    tip = repository.clone("main")
    repository.push(committed(repository, tip, *files), "main")
    assert len(bare.git("ls-tree", "-r", "--name-only", "main").splitlines()) == 452
    assert {change.status for change in changes(repository, repository.fetch("main"), *files)} == {"unchanged"}


def test_only_the_tip_is_fetched(bare: Bare, git: Git) -> None:
    for number in range(3):
        bare.publish({"n": str(number)})
    for depth, commits in ((1, 1), (2, 2), (0, 4)):
        git_directory = git.directory / "repository.git"
        repository = opened(bare, git, depth=depth)
        repository.clone("main")
        counted = git.run("rev-list", "--count", "--all", environment={"GIT_DIR": str(git_directory)})
        assert counted.text == str(commits)
        git_directory.rename(git.directory / f"was-{depth}")


def test_an_empty_repository(tmp_path: Path, git: Git) -> None:
    bare = Bare.create(tmp_path / "empty.git")
    repository = opened(bare, git)
    tip = repository.clone("main")
    assert tip == Tip("", exists=False)
    assert repository.entries(tip, ["a"]) == {}
    commit = committed(repository, tip, File("a", b"x"))
    repository.push(commit, "main")
    assert bare.log() == ["a message"]


def test_a_missing_branch_starts_at_head(bare: Bare, repository: Repository) -> None:
    tip = repository.clone("proposals/new")
    assert tip == Tip(bare.tip(), exists=False)
    repository.push(committed(repository, tip, File("a", b"x")), "proposals/new")
    assert set(bare.files("proposals/new")) == {"README.md", "apps/a.yaml", "a"}


def test_a_directory_in_place_of_a_file(bare: Bare, repository: Repository) -> None:
    tip = repository.clone("main")
    repository.push(committed(repository, tip, File("README.md/x", b"x"), File("README.md", None)), "main")
    assert set(bare.files()) == {"README.md/x", "apps/a.yaml"}


def test_git_leaves_a_path_out_without_a_word_and_we_do_not(repository: Repository) -> None:
    tip = repository.clone("main")
    unchecked = compare([File(".GIT/config", b"x")], {})
    with pytest.raises(errors.PathConflict, match=r"\.GIT/config: git does not take this path"):
        repository.commit(tip, unchecked, REQUEST)


def test_a_symbolic_link_is_neither_followed_nor_made(bare: Bare, repository: Repository, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    bare.publish({"link": str(target)}, mode="120000")
    tip = repository.clone("main")
    with pytest.raises(errors.PathConflict, match="link is a symbolic link"):
        changes(repository, tip, File("link/x", b"x"))
    assert list(target.iterdir()) == []


def test_another_push_in_between(bare: Bare, repository: Repository) -> None:
    tip = repository.clone("main")
    commit = committed(repository, tip, File("ours", b"x"))
    theirs = bare.publish({"theirs": "y"})
    with pytest.raises(errors.BranchMoved, match="fetch first"):
        repository.push(commit, "main")
    assert bare.tip() == theirs
    again = repository.fetch("main")
    assert again == Tip(theirs, exists=True)
    repository.push(committed(repository, again, File("ours", b"x")), "main")
    assert {"ours", "theirs"} < set(bare.files())


def test_a_branch_that_was_set_back_is_not_set_forward_again(bare: Bare, repository: Repository) -> None:
    first = bare.tip()
    bare.publish({"secret": "oops"})
    tip = repository.clone("main")
    commit = committed(repository, tip, File("ours", b"x"))
    bare.git("update-ref", "refs/heads/main", first)
    with pytest.raises(errors.BranchMoved):
        repository.push(commit, "main")
    assert bare.tip() == first


def test_another_creates_the_branch_first(bare: Bare, repository: Repository) -> None:
    tip = repository.clone("new")
    commit = committed(repository, tip, File("ours", b"x"))
    bare.git("update-ref", "refs/heads/new", bare.tip())
    theirs = bare.publish({"theirs": "y"}, branch="new")
    with pytest.raises(errors.BranchMoved):
        repository.push(commit, "new")
    assert bare.tip("new") == theirs


def test_a_lock_held_by_another_counts_as_a_race(bare: Bare, repository: Repository) -> None:
    tip = repository.clone("main")
    commit = committed(repository, tip, File("ours", b"x"))
    lock = bare.path / "refs" / "heads" / "main.lock"
    lock.touch()
    with pytest.raises(errors.BranchMoved):
        repository.push(commit, "main")
    lock.unlink()
    repository.push(commit, "main")
    assert bare.tip() == commit


def test_a_hook_declines(bare: Bare, repository: Repository) -> None:
    bare.hook("pre-receive", "echo 'no deploys on \033[31mfridays\033[0m' >&2; exit 1")
    tip = repository.clone("main")
    with pytest.raises(errors.PushDeclined, match=r"pre-receive hook declined.*no deploys on fridays") as caught:
        repository.push(committed(repository, tip, File("ours", b"x")), "main")
    assert "nothing was changed" in caught.value.message
    assert "\033" not in str(caught.value.as_failure())
    assert bare.tip() == tip.commit


def test_a_work_tree_that_has_the_branch_checked_out(tmp_path: Path, bare: Bare, git: Git) -> None:
    bare.git("clone", "--quiet", str(bare.path), str(tmp_path / "work"))
    repository = opened(Bare(tmp_path / "work"), git)
    tip = repository.clone("main")
    with pytest.raises(errors.PushDeclined, match="branch is currently checked out"):
        repository.push(committed(repository, tip, File("ours", b"x")), "main")


def test_a_shallow_server_and_the_way_out(bare: Bare, repository: Repository, git: Git) -> None:
    tip = repository.clone("main")
    commit = committed(repository, tip, File("ours", b"x"))
    # The server lost the commit that ours is built on, so it would have to become shallow.
    bare.git("update-ref", "-d", "refs/heads/main")
    bare.git("reflog", "expire", "--expire=now", "--all")
    bare.git("gc", "--quiet", "--prune=now")
    with pytest.raises(errors.PushDeclined, match="depth=0"):
        repository.push(commit, "main")


@pytest.mark.parametrize("name", ["nothing.git", "a file"])
def test_no_such_repository(tmp_path: Path, git: Git, name: str) -> None:
    (tmp_path / "a file").write_text("x")
    repository = opened(Bare(tmp_path / name), git)
    with pytest.raises(errors.RepositoryNotFound, match=name):
        repository.clone("main")


def test_sha256_is_refused_with_the_reason(tmp_path: Path, git: Git) -> None:
    bare = Bare(tmp_path / "sha256.git")
    bare.git("init", "--quiet", "--bare", "--object-format=sha256", str(bare.path))
    bare.git(
        "update-ref",
        "refs/heads/main",
        bare.git("commit-tree", bare.git("hash-object", "-wt", "tree", "/dev/null"), "-m", "x"),
    )
    with pytest.raises(errors.GitError, match="SHA-256"):
        opened(bare, git).clone("main")


def test_a_broken_object_is_not_taken(bare: Bare, repository: Repository) -> None:
    tree = bare.git("mktree", stdin=f"100644 blob {bare.blob('x')}\tx\n".encode())
    raw = f"tree {tree}\nauthor nobody\ncommitter nobody\n\nbroken\n".encode()
    commit = bare.git("hash-object", "--literally", "-w", "-t", "commit", "--stdin", stdin=raw)
    bare.git("update-ref", "refs/heads/main", commit)
    with pytest.raises(errors.GitError, match="fsck"):
        repository.clone("main")


def test_a_push_that_gets_no_answer(bare: Bare, git: Git) -> None:
    repository = opened(bare, git, timeout=1)
    tip = repository.clone("main")
    commit = committed(repository, tip, File("ours", b"x"))
    bare.hook("post-receive", "sleep 30")
    with pytest.raises(errors.PushUnknown, match=f"not known whether the push of {commit}") as caught:
        repository.push(commit, "main")
    assert caught.value.details["commit"] == commit
    assert "timeout of 1 s" in caught.value.details["cause"]
    assert repository.fetch("main").commit == commit


def test_nothing_of_the_users_configuration_runs(bare: Bare, repository: Repository, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for directory, names in (
        ("template/hooks", ("reference-transaction", "pre-push", "pre-commit")),
        # A reference-transaction hook there would rightly run at the other end, which is the same user's here.
        ("hooks", ("post-index-change", "pre-push", "pre-commit")),
    ):
        (tmp_path / directory).mkdir(parents=True)
        for name in names:
            hook = tmp_path / directory / name
            hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
            hook.chmod(0o755)
    Path(os.environ["HOME"], ".gitconfig").write_text(
        f"[init]\n templateDir = {tmp_path}/template\n[core]\n hooksPath = {tmp_path}/hooks\n autocrlf = true\n"
        f" fsmonitor = touch {canary}\n[safe]\n bareRepository = explicit\n"
        f'[filter "x"]\n clean = touch {canary}\n[push]\n gpgSign = true\n followTags = true\n'
    )
    bare.publish({".gitattributes": "* filter=x text=auto eol=crlf\n"})
    tip = repository.clone("main")
    repository.push(committed(repository, tip, File("a.txt", b"one\r\ntwo\n")), "main")
    assert bare.git("cat-file", "blob", "main:a.txt") == "one\r\ntwo"
    assert not canary.exists()


@pytest.mark.parametrize("branch", ["main", "a/b", "release-1.x", "ü", "@x"])
def test_branches(git: Git, branch: str) -> None:
    check_branch(git, branch)


@pytest.mark.parametrize(
    "branch", ["", "a b", "a..b", "-x", "a.lock", "a~1", "a:b", "/a", "a/", "refs/heads/x", "a\nb", "@{-1}", "+a", "a*"]
)
def test_what_is_no_branch(git: Git, branch: str) -> None:
    if branch == "+a":
        check_branch(git, branch)  # legal in git, and no force: the refspec starts with the commit
        return
    with pytest.raises(ValueError, match=r"valid name|short name"):
        check_branch(git, branch)
