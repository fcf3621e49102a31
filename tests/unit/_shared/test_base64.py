# SPDX-License-Identifier: GPL-3.0-or-later
"""Base64 as Go reads it. What is expected here was asked of Go's encoding/base64 and protojson."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared import base64


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", b""),
        ("AAEC", b"\0\1\2"),
        ("+/8=", b"\xfb\xff"),
        ("+/\r\n8=", b"\xfb\xff"),
        ("\nAA\n=\n=\n", b"\0"),
        ("AB==", b"\0"),  # bits behind the last byte are not looked at
        (b"AAEC\n", b"\0\1\2"),
        ("QUFB\n" * 100, b"AAA" * 100),
    ],
)
def test_reads(text: str | bytes, value: bytes) -> None:
    assert base64.decode(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("A", "AA", "AAA", "AAA\n", "AAAA=", "AAAA==", "AA=A", "AA==AA==", "=AAA", "AA= =", " AAEC", "AAEC "),
        *("AA\tEC", "-_8=", "AAEé", "AA===", "====", "=", "AAAA====", "%%%", b"\xff\xff\xff\xff", None, 5),
    ],
)
def test_refuses(text: object) -> None:
    with pytest.raises(base64.NotBase64):
        base64.decode(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+/8=", b"\xfb\xff"),
        ("-_8=", b"\xfb\xff"),
        ("-_8", b"\xfb\xff"),
        ("+/8", b"\xfb\xff"),
        ("+/\n8", None),
        ("+\n/8", None),
        ("+/8=\n\n\n\n", b"\xfb\xff"),
        ("AAAA\n", b"\0\0\0"),
        ("AA\n", b"\0"),
        ("AA\n\n", None),
        ("AA==\n", None),
        ("+_8=", None),
        ("A", None),
        ("AA=", None),
        ("AAEé", None),
    ],
)
def test_either_alphabet(text: str, value: bytes | None) -> None:
    if value is None:
        with pytest.raises(base64.NotBase64):
            base64.decode_either(text)
    else:
        assert base64.decode_either(text) == value


def test_writes_one_line() -> None:
    assert "\n" not in base64.encode(bytes(1000))
    assert base64.encode(b"\xfb\xff") == "+/8="
