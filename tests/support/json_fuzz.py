# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON values out of the words of a format, and documents with one value replaced, for property tests."""

from __future__ import annotations

import json
import typing as t

from hypothesis import strategies as st


def json_values(words: st.SearchStrategy[str], max_leaves: int) -> st.SearchStrategy[t.Any]:
    """Any JSON, rich in `words`, which are keys and texts."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=4), inner, max_size=5),
        max_leaves=max_leaves,
    )


def members(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Each (container, key) in a JSON value."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from members(value[key])


def mutate(raw: bytes, where: int, new: t.Any) -> bytes:
    """The document with `new` in one of its places, whichever `where` falls on."""
    value = json.loads(raw)
    places = list(members(value))
    container, key = places[where % len(places)]
    container[key] = new
    return json.dumps(value).encode()
