# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as text: one meaning for every reader."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.manifest_yaml import (
    InvalidYaml,
    dump,
    load,
    write,
    write_as_go,
)
from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.render import option
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption


def _line(value: t.Any) -> str:
    return dump([{"k": value}]).removeprefix("---\nk: ").rstrip("\n")


AMBIGUOUS = [
    "y",
    "N",
    "yes",
    "off",
    "True",
    "null",
    "~",
    "1",
    "0x1f",
    "0o17",
    "1e3",
    "12e4567",
    "1_000",
    ".5",
    ".inf",
    "-.inf",
    ".NaN",
    "nan",
    "2026-11-22",
    "1:30",
    "*",
    "&a",
    "!x",
    "=",
    "<<",
    "@a",
    "%a",
    "a:",
    "1.10",
]


@pytest.mark.parametrize("text", ["", " a", "a ", "a: b", "a #b", "- a", *AMBIGUOUS])
def test_quotes_what_any_reader_might_take_for_something_else(text: str) -> None:
    assert _line(text).startswith('"')
    assert load(dump([{"k": text}]), "x") == [{"k": text}]


@pytest.mark.parametrize(
    "text", ["cosign", "5m", "1h30m", "oci://ghcr.io/org/app", ".", "./deploy", "flux-system", "a.b/c"]
)
def test_leaves_plain_what_is_plain(text: str) -> None:
    assert _line(text) == text


def test_writes_lines_as_a_block_where_that_shows_them_as_they_are() -> None:
    assert _line("# docs\n*.md\n") == "|\n  # docs\n  *.md"
    assert _line("a \nb").startswith('"')
    assert _line(" a\nb").startswith('"')
    assert _line("\ta\nb").startswith('"')


def test_keeps_the_order_of_the_data_and_begins_each_document() -> None:
    assert dump([{"b": 1, "a": [True, {"c": None}]}, {"d": {}}], "two\nlines") == (
        "# two\n# lines\n---\nb: 1\na:\n  - true\n  - c: null\n---\nd: {}\n"
    )


def test_repeats_equal_values_instead_of_naming_them() -> None:
    shared = {"x": "y1"}
    assert "&" not in dump([{"a": shared, "b": shared}])


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES)
def test_reads_back_what_it_wrote(value: t.Any) -> None:
    assert load(dump([{"k": value}]), "x") == [{"k": value}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "x: "),
        ("- a\n", "a list, not an object"),
        ("a: !!python/object:os.system {}", "x: "),
        ("a: " + "b" * 2**20, "larger"),
        ("k: 2026-99-99", "x: "),
    ],
)
def test_refuses_what_is_no_stream_of_objects(text: str, reason: str) -> None:
    with pytest.raises(InvalidYaml, match=reason):
        load(text, "x")


def test_empty_documents_are_nothing() -> None:
    assert load("---\n---\n# only a comment\n", "x") == []


@pytest.mark.parametrize(
    ("manifests", "name"),
    [
        ([{"spec": {"ignore": "a\ud800"}}], "ignore"),
        (
            [{"spec": {"a": "é\x85\x1b"}}, {"spec": {"postBuild": {"substitute": {"x": "\udcff"}}}}],
            "post_build.substitute.x",
        ),
        ([{"metadata": {"labels": {"x": "1"}}, "spec": {"matchOIDCIdentity": [{"issuer": "\ud800"}]}}], "issuer"),
    ],
)
def test_what_does_not_read_back_is_refused_by_its_option(manifests: list[dict[str, t.Any]], name: str) -> None:
    with pytest.raises(InvalidOption, match=rf"^[a-z_.0]*{name}: holds something that YAML does not keep"):
        write(manifests, option)


@given(_VALUES)
def test_whatever_is_written_is_proven(value: t.Any) -> None:
    assert load(write([{"k": value}], option), "x") == [{"k": value}]


@pytest.mark.parametrize("character", ["\x80", "\x85", "\u2028", "\ud800"])
def test_go_writes_some_text_in_a_way_that_is_read_otherwise(character: str) -> None:
    with pytest.raises(InvalidOption, match=r"^url: "):
        write_as_go([{"kind": "x", "spec": {"url": f"a{character} b"}}], option)
