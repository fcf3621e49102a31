# SPDX-License-Identifier: GPL-3.0-or-later
"""Which git is run, and that neither the user's nor the machine's settings can change what it does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git.errors import GitUnavailable
from ansible_collections.proven.gitops.plugins.module_utils._git.program import Git, base_environment
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber


def fake_git(directory: Path, script: str) -> None:
    path = directory / "git"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitUnavailable, match=r"the program git is needed .* \(package git\)"):
        Git.locate(tmp_path, Scrubber())


def test_an_old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, "echo git version 2.30.9")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitUnavailable, match=r"is git version 2\.30\.9, and git 2\.31 or newer is needed"):
        Git.locate(tmp_path, Scrubber())


@pytest.mark.parametrize(
    "version", ["git version 2.31.0", "git version 3.0.0-rc1", "git version 2.39.5 (Apple Git-154)"]
)
def test_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    fake_git(tmp_path, f"echo '{version}'")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Git.locate(tmp_path, Scrubber()).binary == str(tmp_path / "git")


@pytest.mark.parametrize("script", ["echo broken >&2; exit 127", "echo something else"])
def test_a_git_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake_git(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitUnavailable, match="does not run"):
        Git.locate(tmp_path, Scrubber())


def test_environment() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/home/ann",
        "SSH_AUTH_SOCK": "/agent",
        "GIT_DIR": "/elsewhere",
        "GIT_TRACE_CURL": "1",
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_TOKEN": "s3cret",
        "PROVEN_GIT_TOKEN": "s3cret",
        "COSIGN_PASSWORD": "s3cret",
        "SSH_ASKPASS": "/bin/ask",
        "LANGUAGE": "de",
        "LC_ALL": "de_DE",
        "GIT_AUTHOR_NAME": "Ann",
        "https_proxy": "http://proxy",
    }
    assert base_environment(given) == {
        "PATH": "/bin",
        "HOME": "/home/ann",
        "SSH_AUTH_SOCK": "/agent",
        "https_proxy": "http://proxy",
        "GIT_AUTHOR_NAME": "Ann",
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_LITERAL_PATHSPECS": "1",
    }


def test_settings_overrule_the_users_configuration(tmp_path: Path) -> None:
    Path(os.environ["HOME"], ".gitconfig").write_text(
        "[core]\n  hooksPath = /evil\n  autocrlf = true\n[push]\n  pushOption = x\n"
    )
    git = Git.locate(tmp_path, Scrubber())
    assert git.run("config", "core.hooksPath").text == "/dev/null"
    assert git.run("config", "core.autocrlf").text == "false"
    assert git.run("config", "a.b=c.d", config=(("a.b=c.d", "x=y"),)).text == "x=y"
    assert git.binary == shutil.which("git")
