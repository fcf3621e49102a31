# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for every option of every module: what a null, an empty list, a number for a text and a variable mean."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.proven.gitops.plugins.module_utils._ansible.argspec import ArgumentSpec, passphrase, variable
from ansible_collections.proven.gitops.plugins.module_utils._ansible.given import Rules

ONE = {"path": {"type": "path"}, "content": {"type": "str"}, "name": {"type": "str"}}
SPEC = ArgumentSpec(
    options={
        "tag": {"type": "str", "aliases": ["label"]},
        "tags": {"type": "list", "elements": "str"},
        "dest": {"type": "path"},
        "cache": {"type": "path"},
        "count": variable("int", "PROVEN_TEST_COUNT", default=3),
        "flag": variable("bool", "PROVEN_TEST_FLAG"),
        "place": variable("path", "PROVEN_TEST_PLACE", "PROVEN_TEST_OTHER"),
        "secret": passphrase("PROVEN_TEST_PASSPHRASE"),
        "keys": {
            "type": "list",
            "elements": "dict",
            "options": ONE,
            "required_one_of": [("path", "content")],
            "mutually_exclusive": [("path", "content")],
        },
        "owner": {"type": "str"},
        "map": {"type": "dict"},
        "files": {"type": "list", "elements": "dict", "options": {"body": {"type": "raw"}}},
        "name": variable("str", "PROVEN_TEST_NAME"),
    },
    mutually_exclusive=(("tag", "tags"),),
    rules=Rules(may_be_empty=frozenset({"cache"}), numbers=frozenset({"owner"}), contents=frozenset({"files.body"})),
)


def parse(**options: t.Any) -> dict[str, t.Any]:
    """The parameters, or the failed result."""
    output = io.StringIO()
    with patch_module_args(options), contextlib.redirect_stdout(output):
        try:
            return dict(SPEC.create_module().params)
        except SystemExit:
            return t.cast("dict[str, t.Any]", json.loads(output.getvalue()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tag": 1.10}, "tag: is a number (1.1 by now): put it in quotes"),
        ({"label": True}, "label: is a truth value (True by now): put it in quotes"),
        ({"tag": 0x10}, "tag: is a number (16 by now): put it in quotes"),
        ({"tags": [2024.10]}, "tags[0]: is a number (2024.1 by now): put it in quotes"),
        ({"tags": 1.10}, "tags: is a number (1.1 by now): put it in quotes"),
        ({"tags": ["a", None]}, "tags[1]: is null"),
        ({"tags": []}, "tags: is empty: at least one is needed"),
        ({"tags": ""}, "tags: is empty: at least one is needed"),
        ({"tag": {"a": 1}}, "tag: is a map, where text is expected"),
        ({"tag": ["a"]}, "tag: is a list, where text is expected"),
        ({"dest": ""}, "dest: is an empty path: name one, or leave it out"),
        ({"dest": 2024.10}, "dest: is a number (2024.1 by now): put it in quotes"),
        ({"tag": "a\0b"}, "tag: holds a NUL character"),
        ({"count": True}, "count: is a truth value, where a number is expected"),
        ({"keys": [{"path": "k", "name": 1.5}]}, "keys[0].name: is a number (1.5 by now): put it in quotes"),
        ({"keys": '[{"path": "k", "name": 1.5}]'}, "keys[0].name: is a number (1.5 by now): put it in quotes"),
        ({"count": float("inf")}, "count: is no number that can be worked with"),
        ({"count": 10**400}, "count: is no number that can be worked with"),
        ({"count": "nan"}, "count: is no number that can be worked with"),
        ({"map": True}, "map: is a truth value, where a map is expected"),
        ({"keys": "a=b"}, "keys: is text that is not a list"),
        ({"keys": [1]}, "keys[0]: is a number, where a map is expected"),
        ({"map": "nonsense"}, "map: is text that is not a map"),
        ({"tag": "a\ud800"}, "tag: holds what is no Unicode character: give it as UTF-8"),
        ({"tags": ["a", "\udcff"]}, "tags[1]: holds what is no Unicode character: give it as UTF-8"),
        ({"dest": "/a\ud800"}, "dest: holds what is no Unicode character: give it as UTF-8"),
        ({"secret": "a\ud800"}, "secret: holds what is no Unicode character: give it as UTF-8"),
        ({"map": {"a": [{"b\udcff": 1}]}}, "map: holds what is no Unicode character: give it as UTF-8"),
        ({"keys": [{"content": "\ud800"}]}, "keys[0].content: holds what is no Unicode character: give it as UTF-8"),
    ],
)
def test_refused_with_the_options_name(options: dict[str, t.Any], message: str) -> None:
    result = parse(**options)
    assert result["msg"] == message
    assert result["failure"]["code"] == "invalid_option"


@pytest.mark.parametrize(
    "options",
    [{"keys": [{"path": None}]}, {"keys": [{"content": None, "name": "a"}]}, {"keys": '[{"path": null}]'}],
)
def test_a_null_alone_is_nothing(options: dict[str, t.Any]) -> None:
    assert parse(**options)["msg"] == "one of the following is required: path, content found in keys"


def test_a_null_beside_something_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse(tag="a", tags=None, keys=[{"path": "k", "content": None}], count=None)
    assert (found["tag"], found["tags"], found["count"]) == ("a", None, 3)
    monkeypatch.setenv("PROVEN_TEST_COUNT", "7")
    assert parse(count=None)["count"] == 7


def test_what_the_specification_allows() -> None:
    assert parse(cache="", owner=1000, map={"a": None, "b": 1})["owner"] == "1000"
    assert parse(cache="")["cache"] == ""


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\nb"])
def test_what_becomes_a_file_is_taken_as_it_is(text: str) -> None:
    assert parse(files=[{"body": text}])["files"] == [{"body": text}]


def test_a_passphrase_may_be_any_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(secret="\udcff")["secret"] == "\udcff"
    monkeypatch.setenv("PROVEN_TEST_PASSPHRASE", "\udcff")
    assert parse()["secret"] == "\udcff"


def test_a_variable_is_text_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVEN_TEST_NAME", "a\udcff")
    assert parse()["msg"] == "name: holds what is no Unicode character: give it as UTF-8"
    assert parse(name="a")["name"] == "a"


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COUNT", "FLAG", "PLACE", "PASSPHRASE"):
        monkeypatch.setenv(f"PROVEN_TEST_{name}", "")
    monkeypatch.setenv("PROVEN_TEST_OTHER", "/there")
    found = parse()
    assert (found["count"], found["flag"], found["place"]) == (3, None, "/there")
    assert found["secret"] == "", "a passphrase may be empty, also by variable"
