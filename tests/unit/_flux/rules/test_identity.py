# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a pattern lets in."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.go_regexp import InvalidPattern
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.identity import anchored, weakness

What = t.Literal["issuer", "subject"]

GOOD: list[tuple[What, str]] = [
    ("issuer", r"^https://token\.actions\.githubusercontent\.com$"),
    ("issuer", r"\Ahttps://accounts\.google\.com\z"),
    ("issuer", r"^(?:https://a\.example|https://b\.example)$"),
    ("issuer", r"^https://login\.example/realms/.*$"),
    ("subject", r"^https://github\.com/org/repo/\.github/workflows/release\.yml@refs/heads/main$"),
    ("subject", r"^https://github\.com/org/.*$"),
    ("subject", r"^https://github\.com/org/"),
    ("subject", r"^https://github\.com/org(?:/.*)?$"),
    ("subject", r"^https://github\.com/(org|other)/repo/.*$"),
    ("subject", r"^https://github\.com/org/repo/.*@refs/tags/v.*$"),
    ("subject", r"^https://git\.example/team/.*$"),
    ("subject", r"(?i)^HTTPS://GitHub\.com/Org/.*$"),
    ("subject", r"^https?://github\.com/[Oo]rgs?/.*$"),
    ("subject", r"^https://github\.com/w{3}/[a-z]+@refs/heads/main$"),
    ("subject", r"^https://gitlab\.com/group/sub/.*$"),
    ("subject", r"^https://circleci\.com/api/v2/projects/0b1c/.*$"),
    ("subject", r"^https://git\.example:8443/team/.*$"),
    ("subject", r"^[a-z0-9._+-]+@(?:[a-z-]+\.)?example\.com$"),
    ("subject", r"^first.last@example\.com$"),
    ("subject", r"^(?:ann|bob)@gmail\.com$"),
    ("subject", r"^repo:org/repo:ref:refs/heads/main$"),
    ("issuer", r"^accounts\.google\.com$"),
    ("issuer", r"^https://login\.microsoftonline\.com/0b1c/v2.0$"),
    ("issuer", r"^https://oidc\.eks\.eu-west-1\.amazonaws\.com/id/[A]BC$"),
    ("subject", r"^dev@example\.com$"),
    ("subject", r"^[^@]+@example\.com$"),
    ("subject", r"^spiffe://example\.org/ns/.*$"),
]
FATAL: list[tuple[What, str, str]] = [
    ("issuer", "", "everybody"),
    ("issuer", ".*", "everybody"),
    ("issuer", "^.+$", "everybody"),
    ("subject", r"^\S+$", "everybody"),
    ("issuer", "https://token.actions.githubusercontent.com", "begin with"),
    ("issuer", r"^https://accounts\.google\.com", "end with"),
    ("issuer", "^https://.*$", "wildcard in the host"),
    ("issuer", "^.*/realms/mine$", "begins with a wildcard"),
    ("subject", "https://github.com/org", "begin with"),
    ("subject", "^https://github.com/org", "end with"),
    ("subject", r"^https://github\.com/org.*$", "name the owner"),
    ("subject", r"^https://github\.com/.*$", "name the owner"),
    ("subject", r"^https://github\.com.*$", "wildcard in the host"),
    ("subject", r"^https://github\.com/org/.*/release\.yml", "end with"),
    ("subject", r"^https://a\.example/x$|https://b\.example/y$", "begin with"),
    ("subject", r"(?m)^dev@example\.com$", "begin with"),
    ("subject", r"@example\.com$", "begin with"),
    ("subject", r"^dev@example\.com", "end with"),
    ("subject", r"^.*/org/repo$", "begins with a wildcard"),
    ("subject", r"^.*@refs/heads/main$", "begins with a wildcard"),
    ("subject", r"^.*/\.github/workflows/release\.yml@refs/heads/main$", "begins with a wildcard"),
    ("subject", r"(?i)^https://GitHub\.com/.*$", "name the owner"),
    ("subject", r"(?i:^https://github\.com/ORG.*$)", "name the owner"),
    ("subject", r"^https://GITHUB\.COM/.*$", "name the owner"),
    ("subject", r"^https://github\.com:443/.*$", "name the owner"),
    ("subject", r"^https://github\.com\.?/.*$", "name the owner"),
    ("subject", r"^https://github\.com/[^/]+/release/.*$", "name the owner"),
    ("subject", r"^https://github\.com/org\b.*$", "name the owner"),
    ("subject", r"^https://github\.com/org/?.*$", "name the owner"),
    ("subject", r"^https://github\.com/my.org/repo/x$", "name the owner"),
    ("subject", r"^https://github\.com/org[0-9]/.*$", "name the owner"),
    ("subject", r"^https://github\.com/(?:org|.+)/repo/.*$", "name the owner"),
    ("subject", r"^https://github\.com//.*$", "name the owner"),
    ("subject", r"^https://(?:github\.com|git\.example)/\w+/repo/.*$", "name the owner"),
    ("subject", r"^https://codeberg\.org/.*$", "name the owner"),
    ("subject", r"^https://circleci\.com/api/v2/projects/.*$", "name the owner"),
    ("subject", r"^https://.*@github\.com/org/.*$", "wildcard in the host"),
    ("subject", r"^https://github\.com@.*/org/$", "wildcard in the host"),
    ("subject", r"^https://github\.com\?/org/.*$", "names no host"),
    ("subject", r"^https://[^/]*github\.com/org/.*$", "wildcard in the host"),
    ("subject", r"^https://github\.com.example\.org/team/.*$", "matches any character in its host"),
    ("subject", r"^http.*/org/repo/x\.yml@refs/tags/v1$", "names neither"),
    ("subject", r"^[a-z]+://github\.com/org/.*$", "begins with a wildcard"),
    ("subject", r"^https://github\.com/org/.*$|", "matches everybody"),
    ("subject", r"^https://github\.com/org/x$|.*", "matches everybody"),
    ("subject", r"^.*@main$", "begins with a wildcard"),
    ("subject", r"^.*@v1\.0$", "begins with a wildcard"),
    ("subject", r"^.*@example\.com$", "a branch that anybody can make"),
    ("subject", r"^\S+@example\.com$", "a branch that anybody can make"),
    ("subject", r"^https.*@example\.com$", "a branch that anybody can make"),
    ("subject", r"^[^@]+@.*example\.com$", "wildcard in the domain"),
    ("subject", r"^[^@]+@.*\.example\.com$", "wildcard in the domain"),
    ("subject", r"^[^@]+@[a-z]+\.com$", "wildcard in the domain"),
    ("subject", r"^[^@]+@[a-z]+\.co\.uk$", "no domain of an e-mail address"),
    ("subject", r"^[^@]+@com$", "no domain of an e-mail address"),
    ("subject", r"^[^@]+@gmail\.com$", "anybody can have one at gmail.com"),
    ("subject", r"(?i)^[^@]+@GMail\.com$", "anybody can have one at gmail.com"),
    ("subject", r"^ann.smith@gmail\.com$", "anybody can have one at gmail.com"),
    ("subject", "^dev@mail.example.com$", "dot that matches any character in its domain"),
    ("subject", r"^repo:.*$", "names neither"),
    ("issuer", r"(?i)^HTTPS://.*$", "wildcard in the host"),
    ("issuer", r"^https://.+\.example\.com$", "wildcard in the host"),
    ("issuer", r"^https://oidc\.eks\..*\.amazonaws\.com/id/ABC$", "wildcard in the host"),
    ("issuer", r"^https://oidc\.eks\.eu-west-1\.amazonaws\.com/id/.*$", "anybody can have an account"),
    ("issuer", r"^https://login\.microsoftonline\.com/[^/]+/v2\.0$", "anybody can have an account"),
    ("issuer", r"^https://token\.actions\.githubusercontent\.com/.*$", "anybody can have an account"),
    ("issuer", r"^https://accounts\.google\.com(?:|.*)$", "wildcard in the host"),
    ("issuer", r"^[a-z]+\.google\.com$", "begins with a wildcard"),
]
LOOSE: list[tuple[What, str, str]] = [
    ("issuer", "^https://token.actions.githubusercontent.com$", "dot that matches any character"),
    ("issuer", "^accounts.google.com$", "dot that matches any character"),
    ("subject", r"^https://github\.com/org/repo.*$", "merely begin like this"),
    ("subject", r"^https://git\.example/.*$", "everybody on git.example"),
    ("subject", "^dev@example.com$", "dot that matches any character"),
]


@pytest.mark.parametrize(("what", "pattern"), GOOD)
def test_a_precise_pattern_has_no_weakness(what: What, pattern: str) -> None:
    assert weakness(pattern, what) is None


@pytest.mark.fault("S42", "S13a")
@pytest.mark.parametrize(("what", "pattern", "reason"), FATAL)
def test_a_pattern_that_lets_anybody_in_is_fatal(what: What, pattern: str, reason: str) -> None:
    found = weakness(pattern, what)
    assert found is not None
    assert found.fatal
    assert reason in found.reason


@pytest.mark.parametrize(("what", "pattern", "reason"), LOOSE)
def test_a_loose_pattern_is_not(what: What, pattern: str, reason: str) -> None:
    found = weakness(pattern, what)
    assert found is not None
    assert not found.fatal
    assert reason in found.reason


def test_what_go_cannot_compile_is_no_identity() -> None:
    with pytest.raises(InvalidPattern):
        weakness("^(?!evil)", "subject")


@pytest.mark.parametrize(
    ("pattern", "proposal"),
    [
        ("https://accounts.google.com", r"^https://accounts\.google\.com$"),
        ("https://github.com/org/", r"^https://github\.com/org/.*$"),
        ("a@x.example|b@x.example", r"^(?:a@x.example|b@x\.example)$"),
    ],
)
def test_the_proposal_is_anchored(pattern: str, proposal: str) -> None:
    assert anchored(pattern) == proposal


@pytest.mark.fault("S42")
@pytest.mark.parametrize(
    "evil",
    [
        "https://github.com.evil.example/org/x",
        "https://evil.example/?q=https://github.com/org/x",
        "https://githubxcom/org/x",
    ],
)
def test_the_proposal_keeps_out_what_the_pattern_let_in(evil: str) -> None:
    """The patterns here mean the same to Python, whose `re.search` shows the harm."""
    pattern = "https://github.com.*/org/|https://github.com/org/"
    assert re.search("https://github.com", evil)
    assert not re.search(anchored("https://github.com/org/"), evil)
    assert weakness(pattern, "subject")
