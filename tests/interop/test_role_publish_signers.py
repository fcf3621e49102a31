# SPDX-License-Identifier: GPL-3.0-or-later
"""The role publish by an identity, and by a key in a store; cosign 3 verifies what it made visible."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from support.playbook import ROOT, run

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.cosign import Cosign
    from interop.places import Place
    from support.private_sigstore import Sigstore


@pytest.fixture
def variables(embedded: Place, tmp_path: Path) -> dict[str, t.Any]:
    """One artifact, in a repository of its own."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.yaml").write_text(f"kind: A\nmetadata: {{name: {tmp_path.name}}}\n")
    reference = f"oci://{embedded.repository()}"
    return {
        "publish_artifacts": [{"reference": reference, "tag": "v1.0.0", "path": "tree"}],
        "publish_base_dir": str(tmp_path),
    }


@pytest.mark.timeout(600)
def test_by_an_identity(variables: dict[str, t.Any], sigstore: Sigstore, cosign3: Cosign, tmp_path: Path) -> None:
    """With a statement by the same identity behind a gate; a second run in check mode predicts nothing."""
    (tmp_path / "token").write_text(sigstore.token())
    (tmp_path / "trusted_root.json").write_text(sigstore.trusted_root.read_text())
    variables |= {
        "publish_oidc_identity_token_path": "token",
        "publish_trusted_root": "trusted_root.json",
        "publish_signing_config": json.loads(sigstore.config.read_text()),
        "publish_attestations": [{"predicate_type": "https://example.com/reviewed/v1", "predicate": {"by": "me"}}],
        "publish_gate": [{"predicate_type": "https://example.com/reviewed/v1"}],
        "publish_flux_version": "2.9",
    }
    done = run(ROOT / "playbooks" / "publish.yml", variables)
    assert done.code == 0, done.output
    again = run(ROOT / "playbooks" / "publish.yml", variables, "--check")
    assert (again.code, again.changed) == (0, []), again.output
    tagged = f"{variables['publish_artifacts'][0]['reference'].removeprefix('oci://')}:v1.0.0"
    who = ("--certificate-identity", "me@lab.example", "--certificate-oidc-issuer", sigstore.issuer)
    trust = ("--trusted-root", str(sigstore.trusted_root), "--allow-http-registry")
    assert cosign3.cli.run("verify", *who, *trust, tagged).code == 0
    variables["publish_identities"] = [{"identity": "you@lab.example", "oidc_issuer": sigstore.issuer}]
    refused = run(ROOT / "playbooks" / "publish.yml", variables)
    assert refused.code != 0
    assert "wrong_identity" in refused.output
