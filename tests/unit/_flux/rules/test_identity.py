# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a pattern lets in."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.go_regexp import InvalidPattern
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.identity import anchored, weakness

pytestmark = pytest.mark.versions  # the patterns become ones of Python's `re`

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
    ("subject", r"^https://git\.example/.*$"),
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
]
LOOSE: list[tuple[What, str, str]] = [
    ("issuer", "^https://token.actions.githubusercontent.com$", "dot that matches any character"),
    ("issuer", r"^https://oidc\.eks\..*\.amazonaws\.com/id/ABC$", "wildcard in the host"),
    ("subject", r"^https://github\.com/org/repo.*$", "merely begin like this"),
    ("subject", "^dev@mail.example.com$", "dot that matches any character"),
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
