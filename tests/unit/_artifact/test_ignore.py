# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left out is what Flux leaves out: the expectations were taken from fluxcd/pkg sourceignore 0.18."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import FLUX_DEFAULTS, Ignore
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption


def excluded(lines: list[str], *names: str) -> list[str]:
    """Those of the names that are left out; a name with a slash at its end is a directory."""
    ignore = Ignore(lines)
    return [name for name in names if ignore.excludes(name.rstrip("/"), directory=name.endswith("/"))]


def test_defaults() -> None:
    out = [
        ".git/",
        "a/.git/",
        "a/.git/config",
        ".gitignore",
        "a/.gitmodules",
        "x.jpg",
        "a/x.tar.gz",
        "x.zip/",
        "x.png/y",
    ]
    kept = [".git", "a.yaml", ".github/", ".sops.yaml", ".sourceignore", "x.JPG", "x.gz", "x.jpg.yaml", "jpg", "git/"]
    assert excluded(list(FLUX_DEFAULTS), *out, *kept) == out
    ignore = Ignore()
    assert all(ignore.excludes(name.rstrip("/"), directory=name.endswith("/")) for name in out)


@pytest.mark.parametrize(
    ("lines", "out", "kept"),
    [
        pytest.param(["a"], ["a", "a/", "a/b", "x/a", "x/a/b/c"], ["ab", "b", "x/ab/"], id="a name at any depth"),
        pytest.param(["a/"], ["a/", "a/b", "x/a/", "x/a/b/c"], ["a", "x/a"], id="directories only"),
        pytest.param(["/a"], ["a", "a/", "a/b"], ["x/a", "x/a/b"], id="anchored"),
        pytest.param(["/a/"], ["a/", "a/b"], ["a", "x/a/"], id="anchored directory"),
        pytest.param(["a/b"], ["a/b", "a/b/", "a/b/c"], ["a/", "b", "x/a/b", "a/x/b"], id="anchored by a slash inside"),
        pytest.param(["a/*"], ["a/b", "a/b/", "a/b/c", "a/b/c/d"], ["a", "a/", "x/a/b"], id="star, and all below"),
        pytest.param(["a/**"], ["a", "a/", "a/b", "a/b/c"], ["ab/", "x/a/b"], id="two stars at the end"),
        pytest.param(["a/**/"], ["a/", "a/b", "a/b/"], ["a"], id="two stars and a slash at the end"),
        pytest.param(["**/a"], ["a", "a/b", "x/a", "x/y/a/"], ["ab", "x/ab"], id="two stars first"),
        pytest.param(["**/a/b"], ["a/b", "x/a/b", "x/a/b/c"], ["a/x/b", "a/x/a/b"], id="the first a decides"),
        pytest.param(["a/**/b"], ["a/b", "a/x/b", "a/x/y/b/z"], ["a/", "a/x", "x/a/b"], id="two stars between"),
        pytest.param(["**"], ["a", "a/", "a/b"], [], id="two stars alone"),
        pytest.param(["/**"], [], ["a", "a/", "a/b"], id="slash and two stars"),
        pytest.param(["a/x**"], [], ["a/x", "a/xy", "a/x**"], id="two stars inside a name, with a slash"),
        pytest.param(["x**y"], ["xy", "xzy"], ["x/y"], id="two stars inside a name"),
        pytest.param(["*.yaml"], ["a.yaml", "x/.yaml", "x.yaml/b"], ["a.yml", "yaml"], id="star"),
        pytest.param(["a?c"], ["abc", "aéc"], ["ac", "a/c", "abbc"], id="question mark"),
        pytest.param(["[a-c]x"], ["ax", "cx"], ["dx", "Ax", "-x"], id="class"),
        pytest.param(["[^a-c]x"], ["dx"], ["ax", "x", "a/x"], id="negated class"),
        pytest.param(["[!a]x"], ["!x", "ax"], ["bx"], id="an exclamation mark negates nothing"),
        pytest.param(["[\\]\\^]x"], ["]x", "^x"], ["\\x", "x"], id="escapes in a class"),
        pytest.param(["[[]x"], ["[x"], ["x", "[[]x"], id="a bracket in a class"),
        pytest.param(["[+-9]x"], ["0x", ".x", "+x"], ["/x", "ax"], id="a range around the slash"),
        pytest.param(["[c-a]x"], [], ["ax", "bx", "cx"], id="an empty range"),
        pytest.param(["[^c-a]x"], ["ax", "zx"], ["x"], id="not an empty range"),
        pytest.param(["\\*"], ["*"], ["a"], id="an escaped star"),
        pytest.param(["\\#a", "\\!b"], ["#a", "!b"], ["a", "b", "\\#a"], id="escaped marks"),
        pytest.param(["#a", " #b"], [" #b"], ["#a", "a", "#b"], id="comments start at the first column"),
        pytest.param(["a  ", "b\\ ", "c\t"], ["a", "b ", "c\t"], ["a ", "b", "c"], id="blanks at the end"),
        pytest.param(["", "   ", "\t", "/", "//", "!", "! "], [], ["a", "a/", " ", "!"], id="lines that say nothing"),
        pytest.param(["a\nb\r\nc\r"], ["a", "b", "c"], ["d", "b\r"], id="lines in one text"),
        pytest.param(["a//b"], ["a/b", "a/b/c"], ["a", "b"], id="empty parts"),
        pytest.param(["a.b", "x+(y)|^$"], ["a.b", "x+(y)|^$"], ["axb", "x", "xxy"], id="no regular expressions"),
        pytest.param(["*a*a*b"], ["aXaXb", "aab"], ["ab", "aXaX"], id="many stars"),
        pytest.param(["é"], ["é"], ["e\u0301"], id="no normalisation"),
        pytest.param(["a*"], ["a\n", "a\udcff"], ["\na"], id="names that are no lines"),
    ],
)
def test_patterns(lines: list[str], out: list[str], kept: list[str]) -> None:
    assert excluded(lines, *out, *kept) == out


@pytest.mark.parametrize(
    ("lines", "out", "kept"),
    [
        (["*", "!*.yaml"], ["a.txt", "x/", "x/a.txt"], ["a.yaml", "x/a.yaml", "x/y/z.yaml"]),
        (["*.yaml", "!a.yaml", "a.yaml"], ["a.yaml", "b.yaml"], []),
        (["a/", "!a/keep"], ["a/", "a/b"], ["a/keep", "a/keep/b"]),
        (["a/*", "!a/keep"], ["a/b", "a/b/keep", "a/b/c"], ["a/", "a/keep"]),
        (["!a", "a"], ["a"], []),
        (["a", "!a"], [], ["a", "a/b"]),
        (["!keep", "a", "b", "!c", "d"], ["a", "b", "d", "a/keep"], ["keep", "c", "a/c"]),
        (["/*", "!/clusters"], ["a", "a/b"], ["clusters/", "clusters/x"]),
        (["!*"], [], ["a", ".git"]),
    ],
)
def test_the_last_line_that_matches_decides(lines: list[str], out: list[str], kept: list[str]) -> None:
    assert excluded(lines, *out, *kept) == out


def test_what_is_below_need_be_read_only_where_something_can_come_back() -> None:
    assert Ignore(["a/"]).prunes
    assert Ignore(["a/", "\\!b", "[!]c"]).prunes
    assert not Ignore(["a/", "!b"]).prunes


@given(
    st.lists(st.text("ab*?/.[]^-\\! #", max_size=12), max_size=4),
    st.from_regex(r"[ab.]{1,3}(/[ab.]{1,3}){0,3}", fullmatch=True),
)
@settings(max_examples=120, deadline=None)
def test_without_an_exclamation_mark_all_below_is_out_too(lines: list[str], name: str) -> None:
    try:
        ignore = Ignore(lines)
    except InvalidOption:
        return
    if ignore.prunes and ignore.excludes(name, directory=True):
        assert ignore.excludes(f"{name}/below", directory=False)
        assert ignore.excludes(f"{name}/below/it", directory=True)


@pytest.mark.parametrize(
    "pattern", ["[", "a[b", "[]", "[]a]", "[^]", "[a", "[a-", "[a-]", "[-a]", "a\\", "[a\\", "x/[a/y"]
)
def test_what_is_no_pattern_is_named(pattern: str) -> None:
    for line in (pattern, f"!{pattern}"):
        with pytest.raises(InvalidOption, match="is not a gitignore pattern") as caught:
            Ignore(["*.yaml", line])
        assert repr(line) in caught.value.message
        assert caught.value.details == {"option": "ignore"}


@pytest.mark.parametrize(
    "line",
    ["*a" * 40 + "b", "**/" + "*a" * 40 + "/b", "/".join(["**", "a*"] * 30), "*" * 200 + "b", "[^b]*" * 40 + "c"],
)
def test_no_pattern_takes_long(line: str) -> None:
    ignore, start = Ignore([line]), time.process_time()
    for name in ("a" * 255, "/".join(["a" * 120] * 30), "/".join(["ab"] * 1000)):
        ignore.excludes(name, directory=True)
    assert time.process_time() - start < 1
