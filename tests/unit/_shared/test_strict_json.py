# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON with one reading only."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._shared import strict_json
from ansible_collections.proven.gitops.plugins.module_utils._shared.strict_json import MalformedJson

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(_VALUES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(value: t.Any) -> None:
    assert strict_json.loads(strict_json.compact(value), "it") == value


@pytest.mark.fault("P10")
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=120, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = strict_json.loads(data, "it")
    except MalformedJson:
        return
    assert value == json.loads(data)
    strict_json.compact(value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b"{}\0", "Extra data"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ("{}".encode("utf-16"), "codec can't decode"),
        (b'{"a":"\xff"}', "codec can't decode"),
        (b'{"a":1,"a":1}', "duplicate key 'a'"),
        (b'{"a":{"b":1,"\\u0062":2}}', "duplicate key 'b'"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b"[-Infinity]", "Infinity is not JSON"),
        (b"[1e999]", "too large"),
        (b"[-1e999]", "too large"),
        (b"[" + b"1" * 5000 + b"]", "limit"),
        (b"['a']", "Expecting"),
        (b"[01]", "Expecting"),
        (b'["\t"]', "control character"),
        (b'"\\ud800"', "surrogates"),
        (b'{"\\udc00\\ud800":1}', "surrogates"),
        (b'"\\uD800"', "surrogates"),
        (b"[" * 100_000, "recursion"),
        (b'{"a":' * 100_000, "recursion"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedJson, match=reason) as caught:
        strict_json.loads(data, "manifest")
    assert caught.value.message.startswith("manifest: ")
    assert len(caught.value.message) < 300


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert strict_json.loads(b'"\\ud83d\\ude00"', "it") == "\N{GRINNING FACE}"


@pytest.mark.parametrize("data", [b"[]", b"null", b'"a"', b"1"])
def test_an_object_is_an_object(data: bytes) -> None:
    assert strict_json.load_object('{"a":1}', "it") == {"a": 1}
    with pytest.raises(MalformedJson, match="a JSON object is expected, not"):
        strict_json.load_object(data, "it")


def test_bytes_are_compact_and_in_the_order_given() -> None:
    assert strict_json.compact({"b": [1, None], "a": "é<&>\u2028"}) == '{"b":[1,null],"a":"é<&>\u2028"}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        strict_json.compact(float("nan"))


@pytest.mark.parametrize(
    ("key", "found"),
    [("layers", None), ("Layers", "Layers"), ("LAYERS", "LAYERS"), ("layer\u017f", "layer\u017f"), ("x", None)],
)
def test_a_key_that_go_would_take_for_a_field(key: str, found: str | None) -> None:
    assert strict_json.lookalike({"config": 1, key: 2}, {"layers", "config"}) == found
