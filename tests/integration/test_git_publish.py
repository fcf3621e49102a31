# SPDX-License-Identifier: GPL-3.0-or-later
"""git_publish on a bare repository in the file system: what it does, and how it refuses."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from support.git_server import Bare
from support.publishing import Publisher, publish

__all__ = ["publish"]

FILES = [
    {"path": "clusters/one/app-sync.yaml", "content": "kind: OCIRepository\n"},
    {"path": "scripts/hello.sh", "content": "#!/bin/sh\n", "executable": True},
    {"path": "clusters/one/old.yaml", "state": "absent"},
]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare.create(tmp_path / "fleet.git", {"README.md": "hello\n", "clusters/one/old.yaml": "old: true\n"})


def test_check_run_check_run(publish: Publisher, bare: Bare) -> None:
    before = bare.tip()
    planned = publish(check=True, repository=str(bare.path), files=FILES)
    assert bare.tip() == before
    assert (planned["changed"], planned["commit"], planned["revision"], planned["attempts"]) == (True, None, None, 0)

    done = publish(repository=str(bare.path), files=FILES)
    assert bare.tip() == done["commit"] != before
    assert done["revision"] == f"main@sha1:{bare.tip()}"
    assert (done["changed"], done["branch"], done["attempts"]) == (True, "main", 1)
    assert done["files"] == {
        "clusters/one/app-sync.yaml": "written",
        "scripts/hello.sh": "written",
        "clusters/one/old.yaml": "removed",
    }
    assert {name: planned[name] for name in ("diff", "files", "actions")} == {
        name: done[name] for name in ("diff", "files", "actions")
    }
    assert bare.files() == {
        "README.md": "hello\n",
        "clusters/one/app-sync.yaml": "kind: OCIRepository\n",
        "scripts/hello.sh": "#!/bin/sh\n",
    }
    assert bare.mode("scripts/hello.sh") == "100755"
    assert len(bare.log()) == 2

    for check in (True, False):
        again = publish(check=check, repository=str(bare.path), files=FILES)
        assert (again["changed"], again["attempts"], again["actions"], again["diff"]) == (False, 0, [], [])
        assert again["commit"] == done["commit"] == bare.tip()
        assert again["revision"] == done["revision"]
        assert set(again["files"].values()) == {"unchanged"}


def test_a_file_that_stays_as_it_is(publish: Publisher, bare: Bare) -> None:
    wanted = [
        {"path": "README.md", "content": "other\n", "force": False},
        {"path": "new.md", "content": "new\n", "force": False},
    ]
    done = publish(repository=str(bare.path), files=wanted)
    assert done["files"] == {"README.md": "unchanged", "new.md": "written"}
    assert (bare.files()["README.md"], bare.files()["new.md"]) == ("hello\n", "new\n")
    assert not publish(repository=str(bare.path), files=wanted)["changed"]


def test_diff(publish: Publisher, bare: Bare) -> None:
    bare.publish({"a.yaml": "one: 1\n", "big": "x" * 200_000})
    result = publish(
        repository=str(bare.path),
        files=[
            {"path": "a.yaml", "content": "one: 2\n"},
            {"path": "clusters/one/old.yaml", "state": "absent"},
            {"path": "README.md", "content": "hello\n"},
            {"path": "binary", "content": "a\0b"},
            {"path": "big", "content": "small\n"},
        ],
    )
    assert result["diff"] == [
        {"before": "one: 1\n", "after": "one: 2\n", "before_header": "a.yaml", "after_header": "a.yaml"},
        {
            "before": "old: true\n",
            "after": "",
            "before_header": "clusters/one/old.yaml",
            "after_header": "clusters/one/old.yaml",
        },
        {"before": "", "after": "(a binary file of 3 bytes)\n", "before_header": "binary", "after_header": "binary"},
        {"before": "(a file of 200000 bytes)\n", "after": "small\n", "before_header": "big", "after_header": "big"},
    ]
    assert "diff" not in publish(diff=False, repository=str(bare.path), files=FILES)


def test_an_empty_repository(publish: Publisher, tmp_path: Path) -> None:
    bare = Bare.create(tmp_path / "empty.git")
    removal = [{"path": "a", "state": "absent"}]
    nothing = publish(repository=f"file://{bare.path}", files=removal)
    assert (nothing["changed"], nothing["commit"], nothing["revision"]) == (False, None, None)
    done = publish(repository=f"file://{bare.path}", files=FILES)
    assert done["changed"]
    assert done["actions"] == [
        "write clusters/one/app-sync.yaml",
        "write scripts/hello.sh",
        "create the branch main",
        "push to main",
    ]
    assert bare.log() == ["Publish 2 files"]


def test_a_new_branch_starts_at_the_default_one(publish: Publisher, bare: Bare) -> None:
    same = [{"path": "README.md", "content": "hello\n"}]
    planned = publish(check=True, repository=str(bare.path), branch="env/prod", files=same)
    assert (planned["changed"], planned["commit"]) == (True, bare.tip())
    assert bare.tip("env/prod") == ""
    done = publish(repository=str(bare.path), branch="env/prod", files=same)
    assert (done["changed"], done["commit"]) == (True, bare.tip())
    assert bare.tip("env/prod") == bare.tip()
    again = publish(repository=str(bare.path), branch="env/prod", files=same)
    assert not again["changed"]
    more = publish(repository=str(bare.path), branch="env/dev", files=FILES)
    assert bare.git("rev-parse", f"{more['commit']}^") == bare.tip()
    nothing = publish(repository=str(bare.path), branch="env/none", files=[{"path": "none", "state": "absent"}])
    assert not nothing["changed"]
    assert bare.tip("env/none") == ""


def test_no_files(publish: Publisher, bare: Bare) -> None:
    """A list that came out empty by mistake must not pass for done."""
    assert publish(repository=str(bare.path), files=[])["msg"] == "files: is empty: at least one is needed"


def test_src_takes_any_bytes(publish: Publisher, bare: Bare, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"\xff\x00\r\n")
    publish(repository=str(bare.path), files=[{"path": "b", "src": str(source)}])
    shown = subprocess.run(
        ["git", "--git-dir", bare.path, "cat-file", "blob", "main:b"], capture_output=True, check=True
    )
    assert shown.stdout == b"\xff\x00\r\n"


def test_author_and_message(publish: Publisher, bare: Bare) -> None:
    one = [{"path": "a", "content": "1"}]
    publish(repository=str(bare.path), files=one)
    assert bare.log(form="%an|%ae|%cn|%ce|%s")[0] == (
        "proven.gitops|noreply@gitops.invalid|proven.gitops|noreply@gitops.invalid|Add a"
    )
    Path(os.environ["HOME"], ".gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.com\n")
    publish(repository=str(bare.path), files=[{"path": "a", "content": "2"}])
    assert bare.log(form="%an|%ae|%s")[0] == "Ann|ann@example.com|Update a"
    publish(
        repository=str(bare.path),
        files=[{"path": "a", "state": "absent"}],
        author_name="Bob",
        author_email="bob@example.com",
        commit_message="Subject ü\n\nBody\n",
    )
    assert bare.log(form="%an|%ae|%cn|%B")[:3] == ["Bob|bob@example.com|Ann|Subject ü", "", "Body"]


def ssh_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def signer(bare: Bare, key: Path, tmp_path: Path) -> str:
    """Who git says has signed the branch's tip; empty for nobody."""
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ann@example.com {key.with_suffix('.pub').read_text()}")
    form = ["-c", f"gpg.ssh.allowedSignersFile={allowed}", "log", "-1", "--format=%G?%GS", "main"]
    return bare.git(*form).removeprefix("G") if bare.git(*form).startswith("G") else ""


def test_signed_where_git_is_set_up_for_it(publish: Publisher, bare: Bare, tmp_path: Path) -> None:
    key = ssh_key(tmp_path / "signing")
    Path(os.environ["HOME"], ".gitconfig").write_text(
        f"[gpg]\nformat = ssh\n[user]\nsigningKey = {key}\n[commit]\ngpgSign = true\n"
    )
    for number, (sign, expected) in enumerate([("auto", True), ("never", False), ("always", True)]):
        files = [{"path": "a", "content": str(number)}]
        assert publish(repository=str(bare.path), files=files, sign=sign)["changed"]
        assert (signer(bare, key, tmp_path) == "ann@example.com") is expected


def test_signed_with_a_given_key(publish: Publisher, bare: Bare, tmp_path: Path) -> None:
    key = ssh_key(tmp_path / "signing")
    files = [{"path": "a", "content": "x"}]
    options: dict[str, t.Any] = {"repository": str(bare.path), "files": files, "signing_format": "ssh"}
    publish(signing_key=str(key), **options)
    assert signer(bare, key, tmp_path) == "ann@example.com"
    before = bare.tip()
    options["files"] = [{"path": "a", "content": "y"}]
    failed = publish(signing_key="/nonexistent/key", **options)
    assert failed["failure"]["code"] == "signing_failed"
    assert "/nonexistent/key" in failed["msg"]
    assert publish(sign="always", **options)["failure"]["code"] == "signing_failed"
    assert bare.tip() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repository": "fleet"}, "repository: must be an https://"),
        ({"repository": "https://ann:canary-s3cret@git.example.com/x"}, "repository: must not hold a password"),
        ({"repository": "ext::sh"}, "repository: remote helpers"),
        ({"branch": "a..b"}, "branch: is not a valid name"),
        ({"branch": "refs/heads/main"}, "branch: must be the short name"),
        ({"files": [{"path": "../x", "content": ""}]}, "files[0].path: '../x' must not hold"),
        (
            {"files": [{"path": "ok", "content": ""}, {"path": "a/.Git/x", "content": ""}]},
            "files[1].path: 'a/.Git/x' must not lead",
        ),
        ({"files": [{"path": "a", "content": ""}, {"path": "a", "state": "absent"}]}, "files: a is given twice"),
        ({"files": [{"path": "a", "content": {"k": 1}}]}, "files[0].content: must be text"),
        ({"files": [{"path": "a", "src": "/nonexistent/x"}]}, "files[0].src: cannot read /nonexistent/x: No such file"),
        ({"files": [{"path": "a", "src": "/"}]}, "files[0].src: cannot read /: Is a directory"),
        ({"files": [{"path": "a"}]}, "state is present but any of the following are missing: content, src"),
        ({"files": [{"path": "a", "content": "", "src": "/x"}]}, "mutually exclusive: content|src"),
        ({"commit_message": " \n"}, "commit_message: must not be empty"),
        ({"author_name": "a <b>"}, "author_name: must not hold"),
        ({"author_email": "a\nb"}, "author_email: must not hold"),
        ({"attempts": 0}, "attempts: must be at least 1"),
        ({"depth": -1}, "depth: must be at least 0"),
        ({"timeout": 0}, "timeout: must be at least 1"),
        (
            {"privatekey_path": "/x", "privatekey_content": "canary"},
            "mutually exclusive: privatekey_path|privatekey_content",
        ),
    ],
)
def test_bad_input(publish: Publisher, bare: Bare, options: dict[str, t.Any], said: str) -> None:
    before = bare.tip()
    failed = publish(**{"repository": str(bare.path), "files": FILES, **options})
    assert failed["failed"]
    assert said in failed["msg"]
    assert "canary-s3cret" not in str(failed)
    assert bare.tip() == before


def test_what_the_repository_has_in_the_way(publish: Publisher, bare: Bare, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    bare.publish({"link": str(outside)}, mode="120000")
    before = bare.tip()
    for path, reason in (
        ("link/x", "link is a symbolic link in the repository"),
        ("link", "is a symbolic link in the repository"),
        ("clusters", "is a directory in the repository"),
        ("README.md/x", "README.md is a file in the repository"),
    ):
        failed = publish(repository=str(bare.path), files=[{"path": path, "content": "x"}])
        assert failed["failure"]["code"] == "path_conflict"
        assert failed["msg"].startswith(f"files: {path}: ")
        assert reason in failed["msg"]
    assert bare.tip() == before
    assert list(outside.iterdir()) == []


def test_no_repository(publish: Publisher, tmp_path: Path) -> None:
    failed = publish(repository=str(tmp_path / "none.git"), files=FILES)
    assert failed["failure"]["code"] == "repository_not_found"
    assert str(tmp_path / "none.git") in failed["msg"]


def test_no_git(publish: Publisher, bare: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    failed = publish(repository=str(bare.path), files=FILES)
    assert failed["failure"]["code"] == "git_unavailable"
    assert "the program git is needed" in failed["msg"]


def test_a_hook_declines(publish: Publisher, bare: Bare) -> None:
    bare.hook("update", "echo $1 is protected >&2; exit 1")
    before = bare.tip()
    failed = publish(repository=str(bare.path), files=FILES)
    assert failed["failure"]["code"] == "push_declined"
    assert "refs/heads/main is protected" in failed["msg"]
    assert bare.tip() == before


def test_options_from_the_environment(publish: Publisher, bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVEN_GIT_REPOSITORY", str(bare.path))
    monkeypatch.setenv("PROVEN_GIT_TOKEN", "not used for a path")
    assert publish(files=FILES)["changed"]


def test_files_of_the_task_are_private_while_it_runs(
    publish: Publisher, bare: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The hook runs in the middle of the task, and sees what any other process of this machine could.
    seen = tmp_path / "seen"
    bare.hook("pre-receive", f"find '{tmp_path}/the task'* -mindepth 1 -maxdepth 1 -printf '%m %f\\n' > {seen}")
    before = os.umask(0)
    try:
        assert publish(repository=str(bare.path), files=FILES)["changed"]
    finally:
        os.umask(before)
    assert seen.read_text().startswith("700 proven-gitops-git-")
