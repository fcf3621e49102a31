# SPDX-License-Identifier: GPL-3.0-or-later
"""Go's regular expressions: what compiles, and what a pattern pins. The lists agree with Go 1.26's regexp.Compile."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.characters import ANY
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.go_regexp import (
    MAX_ALTERNATIVES,
    InvalidPattern,
    Mark,
    Some,
    check,
    expand,
)

pytestmark = pytest.mark.versions  # the patterns become ones of Python's `re`

VALID = [
    "",
    "a|b|",
    r"^https://token\.actions\.githubusercontent\.com$",
    "(?i)a(?-i)b(?i-s:c)(?)",
    "(?P<n>a)(?<m>b)",
    r"\Aa\z\b\B",
    r"\pL\p{Greek}\P{^Lu}",
    "[]a][^]a][[:alpha:]_][a-z0-9-][-a][a\\]b]",
    r"[\d\x41-\x{42}]",
    r"\Q.*(\E+",
    r"\Qopen",
    r"\07\12\x41\x{10FFFF}\_\.\n",
    "a{2}b{2,}c{2,3}?d{,2}e{02}{",
    "a*?b+?c??",
    "}",
    "é+",
]
INVALID = [
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?<!a)",
    "(?>a)",
    "(?#c)",
    "(?x)a",
    "(?-)a",
    r"(a)\1",
    r"\8",
    r"a\Z",
    r"\C",
    r"\x4",
    r"\x{110000}",
    r"\p{",
    r"\é",
    "a\\",
    "(",
    ")",
    "(a",
    "[a",
    "[",
    "[[:foo:]]",
    "[z-a]",
    r"[a-\d]",
    r"[\q]",
    "*a",
    r"\Q\E+",
    "|*",
    "{2}",
    "a**",
    "a*+",
    "a{2}{3}",
    "a{1001}",
    "a{3,2}",
    "(?P<n>a)(?P<n>b)",
    "(" * 200 + ")" * 200,
    "a" * 5000,
]


@pytest.mark.parametrize("pattern", VALID)
def test_takes_what_go_compiles(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize("pattern", INVALID)
def test_refuses_what_go_does_not_compile(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        check(pattern)


def test_says_where_and_why() -> None:
    with pytest.raises(InvalidPattern, match=r"look-around.*character 5"):
        check("ab(?=c)")


def _shown(pattern: str) -> list[str]:
    return ["".join(map(_sign, way)) for way in expand(pattern)]


def _sign(token: str | Mark | Some) -> str:
    if isinstance(token, Mark):
        return token.value
    return token if isinstance(token, str) else "*" if token.many else "."


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("^(a|b)c$", ["^ac$", "^bc$"]),
        ("^a(?:x)?$", ["^a$", "^ax$"]),
        (r"^a\.b.c$", ["^a.b.c$"]),
        ("a[.]b", ["a.b"]),
        ("a{0}b", ["b"]),
        ("a{3}b{1,2}", ["aaab", "aaabb"]),
        ("a{2,}(?:bc)*", ["**"]),
        ("(?:a|b){2}", ["aa", "ab", "ba", "bb"]),
        ("(?:a|b){9}", ["*"]),
        ("[ab][^a][a-z]", ["a..", "b.."]),
        ("a{65}", ["*"]),
        ("(?:)*a", ["a"]),
        (r"[^\x00-\x{10FFFF}]", []),
        ("^a.*$", ["^a*$"]),
        ("(?m)^a$", ["a"]),
        ("(?m:^a)$", ["a$"]),
        ("((?m)^a)^", ["a^"]),
        (r"\Q.\Ex", [".x"]),
    ],
)
def test_expands_into_every_way_through(pattern: str, ways: list[str]) -> None:
    assert _shown(pattern) == ways


def test_an_escaped_dot_is_a_character_and_a_bare_one_is_not() -> None:
    assert expand(r"\.") == [(".",)]
    assert expand(".") == [(Some(ANY),)]


def test_a_pattern_with_too_many_ways_becomes_a_wildcard_and_not_a_long_wait() -> None:
    letters = ((ord("a"), ord("b")),)
    assert expand("(a|b)" * 40)[0][-1] == Some(letters, many=True)
    assert expand("|".join(["(a|b)(c|d)"] * 80)) == [(Some(((ord("a"), ord("d")),), many=True),)]
    assert len(expand("(?:a?){1000}" * 20 + "[ab]" * 400)) <= MAX_ALTERNATIVES


@pytest.mark.parametrize(
    ("pattern", "within", "without"),
    [
        (r"\d", "059", "a/"),
        (r"\D", "a/", "09"),
        (r"\s", " \t", "a"),
        (r"\S", "/@:", " \n"),
        (r"\w", "a_9", "/@:.-"),
        (r"\W", "/@", "aZ"),
        (r"[^@/]", "a:.", "@/"),
        (r"[[:^alnum:]]", "/@.", "a0"),
        (r"[[:alpha:]\d._+-]", "a9._+-", "/@:"),
        (r"[^\D]", "0", "a/"),
        (r"[^\n-\x{40}]", "A\t", "@/:"),
        (r"\pL", "a/", ""),
        (r"[^\pL]", "a/", ""),
        (r"[\]x-z]", "]y", "["),
    ],
)
def test_knows_the_characters_of_a_set(pattern: str, within: str, without: str) -> None:
    ways = expand(pattern)
    allowed = {one for one in within + without if any(_takes(way, one) for way in ways)}
    assert allowed == set(within)


def _takes(way: tuple[str | Mark | Some, ...], character: str) -> bool:
    (token,) = way
    return token.may_be(character) if isinstance(token, Some) else token == character
