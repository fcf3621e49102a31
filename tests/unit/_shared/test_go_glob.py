# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs as Go's path.Match has them. The table is that of its own test, path/match_test.go, as far as it decides."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._shared import go_glob


@pytest.mark.parametrize(
    ("pattern", "name", "answer"),
    [
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "ab/c", False),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("ab[^e-g]", "abc", True),
        ("ab[^c]", "abc", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a[^a]b", "a☺b", True),
        ("a???b", "a☺b", False),
        ("[a-\u03b6]*", "\u03b1", True),
        ("*[a-\u03b6]", "A", False),
        ("a?b", "a/b", False),
        ("a*b", "a/b", False),
        ("[\\]a]", "]", True),
        ("[\\-x]", "-", True),
        ("[x\\-]", "z", False),
        ("*x", "xxx", True),
        ("a[/]b", "a/b", True),
        ("a[^x]b", "a/b", True),
    ],
)
def test_matches_paths_as_go(pattern: str, name: str, answer: bool) -> None:
    expression = go_glob.expression(pattern, paths=True)
    assert (re.fullmatch(expression, name, re.DOTALL) is not None) is answer


@pytest.mark.parametrize("pattern", ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\", "a\\"])
def test_patterns_that_go_calls_malformed(pattern: str) -> None:
    with pytest.raises(go_glob.BadPattern):
        go_glob.expression(pattern)


@given(st.text("ab*?[]^-\\/", max_size=12), st.text("ab/", max_size=12))
def test_names_without_a_slash_are_matched_alike(pattern: str, name: str) -> None:
    try:
        both = [re.compile(go_glob.expression(pattern, paths=paths), re.DOTALL) for paths in (False, True)]
    except go_glob.BadPattern:
        return
    answers = [one.fullmatch(name) is not None for one in both]
    assert answers[0] <= answers[1]
    if "/" not in name:
        assert answers[0] == answers[1]
