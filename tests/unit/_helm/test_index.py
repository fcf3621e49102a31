# SPDX-License-Identifier: GPL-3.0-or-later
"""One version out of an index, however it is cut into pieces."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._helm import index
from ansible_collections.proven.gitops.plugins.module_utils._helm.errors import InvalidChart

DOCUMENT = {
    "apiVersion": "v1",
    "entries": {
        "aaa": [{"version": "1.0.0", "urls": ["no"], "description": "entries:\n  app:\n  - version: 1.0.0"}],
        "app": [
            {"version": "2.0.0", "urls": ["charts/app-2.0.0.tgz"], "digest": "sha256:ab"},
            {"version": "1.0.0", "urls": ["https://x/app.tgz", "other"], "digest": "cd"},
            {"version": "0.1.0"},
        ],
        "zzz": [],
    },
}
# As helm writes it, with indented lists, with a quoted name, and as JSON.
WRITTEN = [
    yaml.safe_dump(DOCUMENT, sort_keys=True),
    yaml.safe_dump(DOCUMENT, indent=4).replace("    app:\n", '    "app":\n'),
    yaml.safe_dump(DOCUMENT).replace("  app:\n  -", "  # a comment\n\n  'app':\n  -"),
    json.dumps(DOCUMENT),
    json.dumps(DOCUMENT, indent=2),
]


@given(st.sampled_from(WRITTEN), st.integers(1, 50))
def test_finds_it_in_any_pieces(text: str, size: int) -> None:
    data = text.encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert index.find(pieces, "app", "1.0.0", "it") == index.Entry("https://x/app.tgz", "cd")
    assert index.find(pieces, "app", "2.0.0", "it") == index.Entry("charts/app-2.0.0.tgz", "ab")
    for name, version in [("app", "3.0.0"), ("app", "0.1.0"), ("none", "1.0.0"), ("zzz", "1.0.0")]:
        with pytest.raises(InvalidChart, match=r"^it: "):
            index.find(pieces, name, version, "it")


@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([b"entries:\n", b"  app:\n", b"  - version: 1\n", b"{", b"\n"]))
)
def test_any_bytes_end_in_an_error(pieces: list[bytes]) -> None:
    with pytest.raises(InvalidChart):
        index.find(pieces, "app", "1.0.0", "it")
