# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a commit is by, and whether it is signed, asked of git with real configurations."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git.errors import SigningFailed
from ansible_collections.proven.gitops.plugins.module_utils._git.identity import (
    Author,
    Signing,
    author_environment,
    check_author,
    signing_arguments,
)
from ansible_collections.proven.gitops.plugins.module_utils._git.program import Git
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber

DEFAULT = "proven.gitops <noreply@gitops.invalid>"


def configured(text: str, directory: Path) -> Git:
    """git for a user with this ~/.gitconfig, on a machine with no configuration of its own."""
    Path(os.environ["HOME"], ".gitconfig").write_text(text)
    return Git.locate(directory, Scrubber(), {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"})


def identities(git: Git, author: Author) -> tuple[str, str]:
    """Author and committer, as git would write them."""
    environment = author_environment(git, author)
    results = [git.run("var", f"GIT_{who}_IDENT", environment=environment) for who in ("AUTHOR", "COMMITTER")]
    first, second = (re.sub(r" \d+ [+-]\d{4}$", "", result.text) for result in results)
    return first, second


@pytest.mark.parametrize(
    ("config", "author", "expected"),
    [
        ("", Author(), (DEFAULT, DEFAULT)),
        ("", Author("Ann", "ann@h"), ("Ann <ann@h>", "Ann <ann@h>")),
        ("", Author(name="Ann"), ("Ann <noreply@gitops.invalid>", "Ann <noreply@gitops.invalid>")),
        ("[user]\nname=Bob\nemail=bob@h\n", Author(), ("Bob <bob@h>", "Bob <bob@h>")),
        ("[user]\nname=Bob\nemail=bob@h\n", Author("Ann", "ann@h"), ("Ann <ann@h>", "Bob <bob@h>")),
        ("[user]\nname=Bob\nemail=bob@h\n", Author(email="ann@h"), ("Bob <ann@h>", "Bob <bob@h>")),
        ("[user]\nname=Bob\n", Author(), (DEFAULT, DEFAULT)),
        ("[author]\nname=Bob\nemail=bob@h\n", Author(), ("Bob <bob@h>", DEFAULT)),
        ("[committer]\nname=Bob\nemail=bob@h\n", Author(), (DEFAULT, "Bob <bob@h>")),
    ],
)
def test_identities(tmp_path: Path, config: str, author: Author, expected: tuple[str, str]) -> None:
    assert identities(configured(config, tmp_path), author) == expected


def test_identity_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Eve")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "eve@h")
    git = configured("", tmp_path)
    assert identities(git, Author()) == ("Eve <eve@h>", "Eve <eve@h>")
    assert identities(git, Author("Ann", "ann@h")) == ("Ann <ann@h>", "Eve <eve@h>")


@pytest.mark.parametrize("text", ["a <b", "a\nb", "a\0", "b>"])
def test_what_git_would_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must not hold"):
        check_author(text)
    check_author("Ünal O'Neil, Jr.")


@pytest.mark.parametrize(
    ("config", "signing", "arguments"),
    [
        ("", Signing(), ["--no-gpg-sign"]),
        ("[commit]\ngpgSign=true\n", Signing(), ["--gpg-sign="]),
        ("[commit]\ngpgSign=yes\n", Signing(), ["--gpg-sign="]),
        ("[commit]\ngpgSign=off\n", Signing(), ["--no-gpg-sign"]),
        ("[commit]\ngpgSign=true\n", Signing("never"), ["--no-gpg-sign"]),
        ("", Signing("always"), ["--gpg-sign="]),
        ("", Signing("always", "0xABCD"), ["--gpg-sign=0xABCD"]),
        ("", Signing(key="0xABCD"), ["--gpg-sign=0xABCD"]),
        ("", Signing("never", "0xABCD"), ["--no-gpg-sign"]),
    ],
)
def test_signing(tmp_path: Path, config: str, signing: Signing, arguments: list[str]) -> None:
    assert signing_arguments(configured(config, tmp_path), signing) == arguments


def test_a_setting_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match=r"commit\.gpgSign cannot be read"):
        signing_arguments(configured("[commit]\ngpgSign=perhaps\n", tmp_path), Signing())
