# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a registry, made fit for a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._http.scrub import Scrubber


def test_a_login_is_secret_in_both_forms() -> None:
    seen: list[str] = []
    scrubber = Scrubber(seen.append)
    assert scrubber.add_login("alice", "correct horse") == "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="
    assert scrubber.clean("a correct horse, YWxpY2U6Y29ycmVjdCBob3JzZQ==.") == "a ***, ***."
    scrubber.add_login("alice", "correct horse")
    assert len(seen) == 2  # each is registered once


def test_the_longest_secret_goes_first() -> None:
    scrubber = Scrubber()
    scrubber.add("abc")
    scrubber.add("abcdef")
    assert scrubber.clean("abcdef abc") == "*** ***"


def test_a_tiny_secret_is_registered_and_spoils_no_text() -> None:
    seen: list[str] = []
    scrubber = Scrubber(seen.append)
    scrubber.add("a")
    scrubber.add("")
    assert seen == ["a"]
    assert scrubber.clean("a banana") == "a banana"


@pytest.mark.parametrize(
    ("text", "clean"),
    [("a\nb\tc", "a b c"), ("\x1b[1mx\x07", "[1mx"), ("x" * 301, "x" * 300 + "…"), ("ü€", "ü€"), ("\x85\u202e", "")],
)
def test_one_line_without_control_characters(text: str, clean: str) -> None:
    assert Scrubber().clean(text) == clean


@pytest.mark.fault("P15")
@given(st.binary(max_size=200), st.from_regex(r"[A-Za-z0-9]{3,20}", fullmatch=True))
def test_no_secret_survives_in_whatever_body(body: bytes, secret: str) -> None:
    scrubber = Scrubber()
    scrubber.add(secret)
    for text in (body + secret.encode(), secret.encode() + body, json.dumps({"errors": [{"code": secret}]}).encode()):
        code, said = scrubber.reason(text)
        assert secret not in code + said
        assert len(said) <= 370
        assert (code + said).isprintable()
