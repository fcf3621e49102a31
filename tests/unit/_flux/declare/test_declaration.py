# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration of any kind of the table."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.declaration import Declaration
from ansible_collections.proven.gitops.plugins.module_utils._flux.kinds import KINDS, Kind


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_is_declared_alike(kind: Kind) -> None:
    """A new kind is a new row: nothing here knows one of them."""
    manifest = Declaration(kind, "flux-system", "app", {"interval": "5m"}, {"b": "2", "a": "1"}).manifest()
    assert list(manifest) == ["apiVersion", "kind", "metadata", "spec"]
    assert list(manifest["metadata"]["labels"]) == ["a", "b"]
    assert "annotations" not in manifest["metadata"]
    assert kind.describes(manifest)
    assert kind.describes({**manifest, "apiVersion": f"{kind.group}/v1beta2"})
    assert [other.name for other in KINDS.values() if other.describes(manifest)] == [kind.name]


def test_what_is_no_manifest_is_of_no_kind() -> None:
    for value in ({}, {"apiVersion": 5, "kind": None}, {"kind": "OCIRepository"}):
        assert not any(kind.describes(value) for kind in KINDS.values())
