# SPDX-License-Identifier: GPL-3.0-or-later
"""What Go's own archive/tar wrote is written here byte for byte: only so can the flux CLI's archives be known."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t
from pathlib import Path

import pytest
from support.tars import END, padded

from ansible_collections.proven.gitops.plugins.module_utils._artifact.contents import contents
from ansible_collections.proven.gitops.plugins.module_utils._artifact.go_tar import header

VECTORS: dict[str, t.Any] = json.loads((Path(__file__).parent / "vectors" / "go_tar.json").read_bytes())
GZIPPED = base64.b64decode(VECTORS["gzip"])


def written(entry: dict[str, t.Any]) -> bytes:
    content = (entry["content"] or "").encode()
    directory = entry["content"] is None
    return header(entry["name"], len(content), entry["mode"], directory=directory) + padded(content)


@pytest.mark.parametrize("number", range(len(VECTORS["entries"])))
def test_each_entry_as_go_wrote_it(number: int) -> None:
    entries = VECTORS["entries"]
    start = sum(len(written(entry)) for entry in entries[:number])
    ours = written(entries[number])
    assert gzip.decompress(GZIPPED)[start : start + len(ours)] == ours


def test_the_whole_as_go_wrote_it() -> None:
    assert b"".join(map(written, VECTORS["entries"])) + END == gzip.decompress(GZIPPED)
    assert contents([GZIPPED])


def test_a_size_beyond_the_field() -> None:
    name = "dir/" + "p" * 60 + "/" + "q" * 60
    assert header(name, 9 << 30, 0o644) == gzip.decompress(base64.b64decode(VECTORS["nine_gib_header"]))
