# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a commit is by, and whether it is signed: what the task says, else what git is set up for, else a default."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .errors import SigningFailed

if t.TYPE_CHECKING:  # pragma: no cover
    from .program import Git

DEFAULT_NAME = "proven.gitops"
# RFC 2606 promises that nobody ever gets mail there.
DEFAULT_EMAIL = "noreply@gitops.invalid"

_CRUD = re.compile(r"[<>\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Author:
    """A name and an address for commits; an empty one is left to git's configuration and then to the default."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Signing:
    """`auto` signs with a given key, or where commit.gpgSign is set; `key`: user.signingKey, `format`: gpg.format."""

    mode: t.Literal["auto", "always", "never"] = "auto"
    key: str = ""
    format: str = ""


def check_author(text: str) -> None:
    """Raise ValueError for a name or address that git would silently change."""
    if _CRUD.search(text):
        raise ValueError("must not hold <, > or control characters")


def author_environment(git: Git, author: Author) -> dict[str, str]:
    """The GIT_AUTHOR_… and GIT_COMMITTER_… variables for a commit.

    The user's own identity stays where it is configured; without any, the author is the committer too.
    """
    wanted = {"GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email}
    found = {name: value for name, value in wanted.items() if value}
    if not _is_complete(git, "GIT_AUTHOR_IDENT", found):
        found = {"GIT_AUTHOR_NAME": DEFAULT_NAME, "GIT_AUTHOR_EMAIL": DEFAULT_EMAIL, **found}
    if not _is_complete(git, "GIT_COMMITTER_IDENT", {}):
        for part in ("NAME", "EMAIL"):
            if author_part := found.get(f"GIT_AUTHOR_{part}"):
                found[f"GIT_COMMITTER_{part}"] = author_part
    if not _is_complete(git, "GIT_COMMITTER_IDENT", found):
        found |= {"GIT_COMMITTER_NAME": DEFAULT_NAME, "GIT_COMMITTER_EMAIL": DEFAULT_EMAIL}
    return found


def _is_complete(git: Git, variable: str, environment: t.Mapping[str, str]) -> bool:
    # Without useConfigOnly git makes an address up from the host's name.
    return git.run("var", variable, environment=environment, config=(("user.useConfigOnly", "true"),)).exit_code == 0


def signing_arguments(git: Git, signing: Signing) -> list[str]:
    """What `git commit-tree` needs to be told, which unlike `git commit` does not look at commit.gpgSign itself."""
    if signing.mode == "never":
        return ["--no-gpg-sign"]
    if signing.mode == "always" or signing.key or _signs_by_default(git):
        return [f"--gpg-sign={signing.key}"]
    return ["--no-gpg-sign"]


def _signs_by_default(git: Git) -> bool:
    result = git.run("config", "--type=bool", "--get", "commit.gpgSign")
    if result.exit_code > 1:  # 1: not set
        raise SigningFailed(f"git's setting commit.gpgSign cannot be read: {result.stderr.strip()}")
    return result.text == "true"
