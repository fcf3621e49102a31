# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the rule accepts keeps out identities that an attacker can have; patterns are made of common pieces."""

from __future__ import annotations

import itertools
import re

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.go_regexp import InvalidPattern
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.identity import weakness

# RE2, which reads a pattern as Go does, shows who gets in.
BEGINNINGS = ["https://", "https?://", "HTTPS://", "http.*", ".*", r"\S+", "[^@]+", "[a-z]+", "dev", ""]
HOSTS = [
    r"github\.com",
    "github.com",
    r"GitHub\.com",
    r"gitlab\.com",
    r"git\.example",
    r"mail\.example\.com",
    "mail.example.com",
    r"example\.com",
    r"gmail\.com",
    ".*",
    r".*\.com",
    "[a-z.]+",
    r"(?:git\.example|.*)",
]
SEPARATORS = ["/", "@", ":", "", "/?", "@?", ".", "[/@]", r"\b"]
MIDDLES = [
    "org",
    "[Oo]rg",
    "org-?",
    "o{1}rg",
    ".*",
    ".+",
    "[^/]+",
    r"\w+",
    "(?:org|other)",
    "(?:org|.*)",
    "org?",
    "x.y",
    "",
]
ENDS = [
    "/.*",
    ".*",
    "",
    "/",
    r"/repo/\.github/workflows/release\.yml@refs/heads/main",
    "@refs/heads/main",
    "@refs/heads/.*",
    r"@example\.com",
    "@mail.example.com",
    r"@(?:[a-z]+\.)?example\.com",
    "|.*",
    "|x",
]
PATTERNS = st.builds(
    "{0}{1}{2}{3}{4}{5}{6}{7}".format,
    st.sampled_from(["", "", "", "(?i)", "(?m)"]),
    st.sampled_from(["^", "^", "^", "", r"\A"]),
    st.sampled_from(BEGINNINGS),
    st.sampled_from(HOSTS),
    st.sampled_from(SEPARATORS),
    st.sampled_from(MIDDLES),
    st.sampled_from(ENDS),
    st.sampled_from(["$", "$", "$", "", ".*$"]),
)


def _texts(pattern: str) -> set[str]:
    """What the pattern says, as an attacker would write it: its literal runs, whole and from each piece on."""
    plain = re.sub(r"\(\?[a-z:]+\)?|[\^$()\[\]]|\\[ASbwz]", " ", pattern).replace("\\", "")
    runs = [run for run in re.split(r"[ |]|\.[*+]|[?{}*+]", plain) if run]
    return {run.strip("/@:") for run in runs} | {plain.replace(" ", "").partition("@")[2] or "main"}


def attackers(pattern: str) -> set[str]:
    """Builds of mallory's repositories and branches, and mallory's addresses, called whatever the pattern likes."""
    texts = sorted(_texts(pattern) | {"org", "org/repo", "x@example.com", "x@mail.example.com", "refs/heads/main"})
    found = {"https://github.com/mallory", "mallory@gmail.com", "mallory@mallory.example", "https://mallory.example/"}
    for first, second in itertools.product(texts, texts):
        found.add(f"https://github.com/mallory/{first}/.github/workflows/release.yml@refs/heads/{second}")
        found.add(f"https://gitlab.com/mallory/{first}//.gitlab-ci.yml@refs/heads/{second}")
    for text in texts:
        name = re.sub(r"[^A-Za-z0-9-]", "-", text)
        found |= {f"https://github.com/{name}-mallory/repo/.github/workflows/release.yml@refs/heads/main"}
        found.add(f"https://github.com/mallory-{name}/repo/x.yml@refs/tags/{text}")
        found.add(f"https://mallory.example/{text.replace('@', '/')}/x.yml@refs/heads/{text}")
        host = text.rpartition("@")[2].rpartition("/")[2]
        found |= {f"mallory@mallory{host}", f"mallory@{host}.mallory.example", f"mallory@{host.replace('.', 'x', 1)}"}
    return {one for one in found if _possible(one)}


def _possible(identity: str) -> bool:
    """An address needs a domain that somebody can register, and not one that the patterns name for its owner."""
    domain = identity.rpartition("@")[2] if not identity.startswith("https://") else "mallory.example"
    own = domain in ("example.com", "mail.example.com", "git.example") or domain.endswith(".example.com")
    return (
        "." in domain
        and not own
        and all(re.fullmatch(r"[a-z0-9-]+", label, re.IGNORECASE) for label in domain.split("."))
    )


@pytest.mark.fault("S42")
@given(PATTERNS)
@example(r"^.*@refs/heads/main$")
@example(r"^.*/\.github/workflows/release\.yml@refs/heads/main$")
@example(r"(?i)^https://GitHub\.com/.*$")
def test_who_is_let_in_is_no_attacker(pattern: str) -> None:
    try:
        found = weakness(pattern, "subject")
    except InvalidPattern:
        return
    if found is None or not found.fatal:
        compiled = re2.compile(pattern)
        assert [one for one in attackers(pattern) if compiled.search(one)] == []


@given(PATTERNS)
def test_an_issuer_has_one_host(pattern: str) -> None:
    """Also one whose path is the whole of the issuer that was meant."""
    try:
        found = weakness(pattern, "issuer")
    except InvalidPattern:
        return
    if found is None or not found.fatal:
        hosts = [
            "mallory.example",
            "github.com.mallory.example",
            "git.example.mallory.example",
            "github.com@mallory.example",
        ]
        compiled = re2.compile(pattern)
        assert [
            one
            for host in hosts
            for text in _texts(pattern)
            for one in (f"https://{host}", f"https://{host}/{text}", f"https://{host}/https://{text}", f"{host}/{text}")
            if compiled.search(one)
        ] == []


def test_the_attackers_get_in_where_the_rule_does_not_hold() -> None:
    """The list is worth something: each of these loose patterns lets somebody in."""
    for pattern in (
        "^.*@refs/heads/main$",
        r"^.*/\.github/workflows/release\.yml@refs/heads/main$",
        r"(?i)^https://GitHub\.com/.*$",
        r"^https://github\.com/org.*$",
        r"^.*@example\.com$",
        r"^[^@]+@gmail\.com$",
        r"example\.com$",
        "^[^@]+@mail.example.com$",
    ):
        assert any(re2.search(pattern, one) for one in attackers(pattern)), pattern
