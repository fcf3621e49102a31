# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries without a referrers API, and with one that lists nothing: where cosign 3 looks for a bundle."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from interop.cosign import Cosign, Keys
from interop.places import Place
from support.faulty import faulty_registry, spoil
from support.referrers import ANSWERS, answering

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push


@pytest.mark.parametrize("name", ANSWERS)
def test_where_a_bundle_is_looked_for(
    name: str, tmp_path: Path, push: Push, keys: Keys, ours: Ours, cosign3: Cosign
) -> None:
    answer, finds = ANSWERS[name]
    with faulty_registry(tmp_path / "registry", answering(ANSWERS["404"][0])) as registry:
        reference = push(Place("scripted", registry.address))
        ours("cosign_sign", reference=reference, **keys.options)
        cosign3.accepts(reference, keys, "bundle")
        spoil(registry, answering(answer))
        assert (cosign3.verify(reference, keys.public, "bundle").code == 0) is (finds == "both")
        asked: dict[str, t.Any] = {"reference": reference, "public_keys": keys.verifiers, "report_only": True}
        assert ours("cosign_verify", **asked)["verified"] is (finds != "nobody")
        assert ours("cosign_verify", **asked, flux_version="2.9")["verified"] is (finds == "both")


def test_what_cosign_signs_there_is_found(tmp_path: Path, push: Push, keys: Keys, ours: Ours, cosign3: Cosign) -> None:
    """It reads back what the registry lists, whatever that answered to the push, and writes the tag; so do we."""
    with faulty_registry(tmp_path / "registry", answering(ANSWERS["404"][0])) as registry:
        reference = push(Place("scripted", registry.address))
        cosign3.sign(reference, keys, "bundle")
        assert not ours("cosign_sign", reference=reference, **keys.options)["changed"]
        assert ours("cosign_verify", reference=reference, public_keys=keys.verifiers)["verified"]
