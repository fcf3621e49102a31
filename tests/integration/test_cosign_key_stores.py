# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by reference in the modules that sign and verify: check mode, run, check mode again, run again."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.fake_vault import FakeVault
from support.registry import RunningRegistry, registry
from support.signing import artifact

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["registry"]

TOKEN = "canary-vault-token"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[FakeVault]:
    with FakeVault(TOKEN) as running:
        running.add("release")
        monkeypatch.setenv("VAULT_ADDR", running.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield running


@pytest.mark.parametrize("scheme", ["hashivault://", "openbao://"])
def test_a_key_in_vault_signs_and_verifies(
    scheme: str, run_module: RunModule, registry: RunningRegistry, vault: FakeVault
) -> None:
    options: dict[str, t.Any] = {"reference": artifact(registry), "key": f"{scheme}release"}
    predicted = run_module("cosign_sign", check=True, **options)
    assert predicted["changed"]
    assert not [one for one in vault.asked if "/sign/" in one]
    made = run_module("cosign_sign", **options)
    assert made["changed"]
    assert made["key_version"] == predicted["key_version"] == "1"
    assert "version 1 of the key" in made["diff"]["after"]
    assert made["public_key"].encode() == vault.public_pem("release", 1)
    assert not run_module("cosign_sign", check=True, **options)["changed"]
    assert not run_module("cosign_sign", **options)["changed"]
    proven = run_module("cosign_verify", reference=options["reference"], public_keys=[{"uri": options["key"]}])
    assert proven["verified"]
    assert proven["verdicts"][0]["signed_by"] == [made["key"]]
    assert TOKEN not in json.dumps([predicted, made, proven])
