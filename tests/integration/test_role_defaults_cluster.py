# SPDX-License-Identifier: GPL-3.0-or-later
"""The role flux_secrets with its real module: the cluster that the play names is asked, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import playbook
from support.twin import HEAD
from support.wire import Wire

BASE = "/api/v1/namespaces/flux-system/secrets"
PLAY = f"""{HEAD}
  module_defaults:
    group/proven.gitops.cluster:
      kubeconfig: "{{{{ cluster }}}}"
  roles:
    - role: proven.gitops.flux_secrets
      flux_secrets_state: absent
"""


def kubeconfig(path: Path, server: str) -> str:
    """A kubeconfig for a server."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "one", "user": {"token": "t"}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return str(path)


def test_the_cluster_of_the_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire() as meant, Wire() as other:
        monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "other", other.url))
        for name in ("cosign-pub", "ghcr-auth"):
            missing = {"kind": "Status", "message": "not found", "details": {"name": name, "kind": "secrets"}}
            meant.expect("GET", f"{BASE}/{name}", status=404, body=json.dumps(missing).encode())
        (tmp_path / "play.yml").write_text(PLAY)
        ran = playbook.run(tmp_path / "play.yml", {"cluster": kubeconfig(tmp_path / "meant", meant.url)})
        assert (ran.code, ran.changed) == (0, []), ran.output
        assert (len(meant.seen), other.seen) == (2, [])
