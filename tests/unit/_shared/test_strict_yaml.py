# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML of strangers: one reading, that of go-yaml 2, or an error."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._shared import strict_yaml
from ansible_collections.proven.gitops.plugins.module_utils._shared.strict_yaml import MalformedYaml

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def load(text: str) -> t.Any:
    return strict_yaml.load(text.encode(), "it", 1 << 20)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1.10", 1.1),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", 2.0**64),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2026-11-28", "2026-11-28"),
        ("2026-11-28T10:00:00Z", "2026-11-28T10:00:00Z"),
        ("y", True),
        ("No", False),
        ("oN", "oN"),
        ("~", None),
        ("''", ""),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("v1.2.3", "v1.2.3"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_as_go_reads_them(scalar: str, value: object) -> None:
    [found] = load(f"[{scalar}]" if scalar != "~" else "[~]")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.1, "1.1"),
        (1.0, "1"),
        (3.14159265, "3.1415927"),
        (1000000.0, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (1e-05, "1e-05"),
        (0.0001, "0.0001"),
        (100000.0, "100000"),
        (16777217.0, "1.6777216e+07"),
        (-2.5, "-2.5"),
        (1e300, "+Inf"),
        (True, "true"),
        (8, "8"),
    ],
)
def test_texts_that_go_makes_of_numbers(number: float, text: str) -> None:
    assert strict_yaml.as_text(number) == text


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x [1]\nb: *x",
        "a: *x",
        "<<: {a: 1}",
        "a: !!binary YQ==",
        "!a b",
        "? [a]\n: b",
        "~: a",
        "a: .nan",
        "---\na: 1\n---\nb: 2",
        "a: [",
        "a: \x01",
        "[" * 60 + "]" * 60,
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(MalformedYaml, match=r"^it: "):
        load(text)


def test_an_alias_of_a_scalar_is_read() -> None:
    assert load("a: &v 1.2.3\nb: *v") == {"a": "1.2.3", "b": "1.2.3"}
    assert load("") is None
    with pytest.raises(MalformedYaml, match="larger than"):
        strict_yaml.load(b"a: 1", "it", 3)
    with pytest.raises(MalformedYaml, match="UTF-8"):
        strict_yaml.load(b"\xff", "it", 3)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a: 1\n", False),
        ("a: '#'\nb: x#y\n", False),
        ("a: |\n  # text\n", False),
        ("# c\na: 1\n", True),
        ("a: 1 # c\n", True),
        ("a: | # c\n  x\n", True),
        ("a: 1\n# end", True),
        ("a:\n# between\n  - 1\n", True),
    ],
)
def test_comments_are_found(text: str, answer: bool) -> None:
    assert strict_yaml.has_comments(text) is answer


@given(JSON)
def test_reads_what_others_write(value: t.Any) -> None:
    """With everything in quotes, so that there is one reading only."""
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    try:
        read = load(text)
    except MalformedYaml as error:
        assert "a tag" in error.message or "merge key" in error.message  # noqa: PT017 - numbers get tags there
        return
    assert read == value


@given(st.binary(max_size=60) | st.text("a:{}[]&*!|>-? \n'\"#1.<", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        strict_yaml.load(data, "it", 100)
    except MalformedYaml:
        return
