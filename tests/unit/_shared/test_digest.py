# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests, by syntax and by content."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import (
    InvalidDigest,
    check_syntax,
    hasher,
    hexadecimal,
    of_bytes,
)

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DEEP: list[object] = []
for _turn in range(5000):
    DEEP = [DEEP]


def test_a_digest_of_bytes() -> None:
    assert of_bytes(b"") == EMPTY
    assert of_bytes(memoryview(b"a")) == "sha256:" + hashlib.sha256(b"a").hexdigest()
    assert check_syntax(EMPTY) == EMPTY
    assert hexadecimal(EMPTY) == EMPTY[7:]
    running = hasher()
    running.update(b"a")
    assert "sha256:" + running.hexdigest() == of_bytes(b"a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        EMPTY[:-1],
        EMPTY + "0",
        EMPTY + "\n",
        " " + EMPTY,
        EMPTY.upper(),
        EMPTY.replace("sha256", "SHA256"),
        EMPTY.replace("e", "E"),
        EMPTY[7:],
        "sha512:" + "0" * 128,
        "sha256:" + "g" * 64,
        "sha256:" + "\u0660" * 64,
        "sha256:../../../../../etc/passwd",
        "sha256:" + "0" * 1_000_000,
        "\udc80" * 71,
    ],
)
def test_other_text_is_no_digest(text: str) -> None:
    with pytest.raises(InvalidDigest, match="is not a sha256 digest") as caught:
        check_syntax(text, "layer 0")
    assert caught.value.message.startswith("layer 0: ")
    assert len(caught.value.message) < 800


@pytest.mark.parametrize(
    "value", [None, 5, True, 10**5000, b"x", {"a": 1}, DEEP], ids=lambda value: type(value).__name__
)
def test_other_values_are_no_digest_and_are_not_printed(value: object) -> None:
    with pytest.raises(InvalidDigest, match=r"digest: a [A-Za-z]+ is not a sha256 digest"):
        check_syntax(value)
