# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in the options of artifacts: requests come of it, or an error that names an option."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._ansible.pull_options import limits, pull_requests
from ansible_collections.proven.gitops.plugins.module_utils._ansible.push_options import push_requests
from ansible_collections.proven.gitops.plugins.module_utils._ansible.references import digest_references, references
from ansible_collections.proven.gitops.plugins.module_utils._ansible.tag_options import tag_requests
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

DIGEST = "sha256:" + "ab" * 32
_ANY = st.text(max_size=40) | st.from_regex(r"(oci://)?[a-z.:\[\]/@\\ %{}\"',]{0,40}", fullmatch=True)
_REFERENCE = _ANY | st.sampled_from(["r.example/a", "r.example/a:v1", f"oci://r.example/a@{DIGEST}", "docker.io/a"])
_MAYBE = st.none() | _ANY
_VALUE = _ANY | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(_ANY, max_size=2)
_SHARED: dict[str, st.SearchStrategy[t.Any]] = {
    "source": _MAYBE,
    "revision": _MAYBE,
    "annotations": st.none() | st.dictionaries(_ANY, _VALUE, max_size=3),
    "ignore": st.none() | st.lists(_ANY | st.sampled_from(["[", "a\\", "!", "**/", "[a-"]), max_size=3),
    "resolve_symlinks": st.none() | st.booleans(),
    "created": _MAYBE | st.sampled_from(["2026-11-22T12:00:00Z", "2026-13-01T00:00:00Z"]),
    "move": st.none() | st.booleans(),
    "compare_with": _MAYBE,
}
_PUSH = st.fixed_dictionaries({"reference": _REFERENCE, "path": _ANY, **_SHARED})


def answered(read: t.Callable[[], object]) -> object | None:
    refused: InvalidOption | None = None
    found = None
    try:
        found = read()
    except InvalidOption as error:
        refused = error
    assert refused is None or refused.message.startswith(f"{refused.details['option']}: ")
    return found


@pytest.mark.fault("P1")
@given(_PUSH, st.none() | st.lists(_PUSH, min_size=1, max_size=3))
def test_oci_push(params: dict[str, t.Any], artifacts: list[dict[str, t.Any]] | None) -> None:
    answered(lambda: push_requests({**params, "artifacts": artifacts}))


@pytest.mark.fault("P1")
@given(_REFERENCE, _ANY, st.integers(), st.integers())
def test_oci_pull(reference: str, dest: str, size: int, entries: int) -> None:
    answered(lambda: pull_requests({"artifacts": None, "reference": reference, "dest": dest}))
    found = answered(lambda: limits({"max_size": size, "max_entries": entries}))
    assert (found is not None) == (size > 0 and entries > 0)


@pytest.mark.fault("P1")
@given(_REFERENCE, st.lists(_ANY | st.just("v1"), max_size=3))
def test_oci_tag(reference: str, tags: list[str]) -> None:
    answered(lambda: tag_requests({"artifacts": None, "reference": reference, "tags": tags}))


@pytest.mark.fault("P1")
@given(st.lists(_REFERENCE, min_size=1, max_size=3))
def test_references(texts: list[str]) -> None:
    for params in ({"reference": texts[0], "references": None}, {"reference": None, "references": texts}):
        answered(lambda params=params: references(params))  # type: ignore[misc]
        answered(lambda params=params: digest_references(params))  # type: ignore[misc]
