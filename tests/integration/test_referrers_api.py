# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that promise to list what refers to an artifact, and do not: what we sign is found again, or we fail."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.faulty import faulty_registry
from support.referrers import ANSWERS, answering
from support.signing import Key, artifact, keys, sign, verdict

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["keys"]

TAGGED = [name for name, (_answer, finds) in ANSWERS.items() if finds != "nobody"]


@pytest.mark.fault("R17")
@pytest.mark.parametrize("name", TAGGED)
def test_what_was_signed_is_found_again(
    name: str, run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]
) -> None:
    answer, finds = ANSWERS[name]
    with faulty_registry(tmp_path, answering(answer)) as registry:
        reference = artifact(registry)
        signed = sign(run_module, reference, keys[0])
        assert signed["changed"]
        assert verdict(run_module, reference, keys[0]) == "verified"
        # Flux finds it only where it looks for the tag.
        assert verdict(run_module, reference, keys[0], flux_version="2.9") == (
            "verified" if finds == "both" else "unsigned"
        )
        again = sign(run_module, reference, keys[0])
        assert not again["changed"]
        for result in (signed, again):
            # In one process, the warnings of a test are those of the next one too.
            assert (f"{registry.address} answers" in str(result.get("warnings"))) is (finds == "ours")
        [info] = run_module("oci_artifact_info", reference=f"oci://{reference}")["artifacts"]
        assert [one["format"] for one in info["signatures"]] == ["bundle"]


@pytest.mark.fault("R17")
def test_where_nothing_is_listed_signing_fails_and_the_other_format_works(
    run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]
) -> None:
    with faulty_registry(tmp_path, answering(ANSWERS["an empty list"][0])) as registry:
        reference = artifact(registry)
        failed = sign(run_module, reference, keys[0], retries=1)
        assert failed["failed"]
        assert not failed["changed"]
        assert failed["failure"]["code"] == "unreachable"
        assert "is not listed among the referrers" in failed["failure"]["message"]
        assert verdict(run_module, reference, keys[0]) == "unsigned"
        assert sign(run_module, reference, keys[0], format="legacy")["changed"]
        assert verdict(run_module, reference, keys[0], flux_version="2.9") == "verified"
