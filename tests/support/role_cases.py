# SPDX-License-Identifier: GPL-3.0-or-later
"""For each role the variables of a few runs that together call each of its modules, for the twin (support/twin.py).

A variable that is None is one that is not given.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import re
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml
from support.playbook import ROOT

Variables = dict[str, t.Any]

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
_CALL = re.compile(r"^ +proven\.gitops\.([a-z_]+):$", re.MULTILINE)


def options_of(role: str) -> dict[str, t.Any]:
    """The role's options, from its argument specification."""
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text()
    return t.cast("dict[str, t.Any]", yaml.safe_load(text)["argument_specs"]["main"]["options"])


def modules_of(role: str) -> set[str]:
    """The modules of ours that its tasks call."""
    texts = [path.read_text() for path in (ROOT / "roles" / role / "tasks").glob("*.yml")]
    return {name for text in texts for name in _CALL.findall(text)}


@dataclass(frozen=True)
class Files:
    """What the variables name: manifests, by path and by URL with SHA-256, and a program that passes for flux."""

    home: Path
    manifests: Path
    url: str
    checksum: str
    program: Path


@contextlib.contextmanager
def files_in(home: Path) -> t.Iterator[Files]:
    """Such files in a directory, which is served as long as this lasts."""
    manifests, program = home / "manifests.yaml", home / "flux"
    manifests.write_text("kind: A\n")
    program.write_text(_FLUX)
    program.chmod(0o755)
    handler = functools.partial(_Quiet, directory=str(home))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{manifests.name}"
        try:
            yield Files(home, manifests, url, hashlib.sha256(manifests.read_bytes()).hexdigest(), program)
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *given: t.Any) -> None:
        """Not into the test's output."""


def cases_of(role: str, files: Files) -> dict[str, Variables]:
    """Variables by a name for the run."""
    return _CASES[role](files)


# Prints its arguments where flux would print manifests.
_FLUX = """#!/usr/bin/python3
import json, sys
print(json.dumps(sys.argv[1:]))
"""


def _publish(_files: Files) -> dict[str, Variables]:
    artifact = {"reference": "oci://registry.test/team/app", "tag": "1.10", "path": "."}
    given = {"publish_artifacts": [artifact], "publish_privatekey_path": "cosign.key"}
    said = {
        "publish_attestations": [{"predicate_type": "vuln", "predicate": {"a": "b"}}],
        "publish_gate": [{"predicate_type": "vuln"}],
    }
    identity: Variables = {
        "publish_keyless": True,
        "publish_trusted_root": "root.json",
        "publish_signing_config": {"a": "b"},
    }
    return {
        "publish": given,
        "public keys": {**given, "publish_public_keys": [{"path": "a.pub"}]},
        "attestations": {**given, **said},
        "keyless": {**given, **said, "publish_privatekey_path": None, **identity},
    }


def _flux_secrets(_files: Files) -> dict[str, Variables]:
    given: Variables = {"flux_secrets_public_keys": [{"path": "a.pub"}], "flux_secrets_registry": "registry.test"}
    rooted = {**given, "flux_secrets_trusted_root": "root.json"}
    return {"present": given, "rooted": rooted, "absent": {**given, "flux_secrets_state": "absent"}}


def _flux_source(_files: Files) -> dict[str, Variables]:
    given: Variables = {
        "flux_source_name": "app",
        "flux_source_url": "oci://registry.test/team/app",
        "flux_source_repository": "https://git.test/fleet",
    }
    return {
        "present": given,
        "path by default": {**given, "flux_source_path": None},
        "absent": {**given, "flux_source_state": "absent"},
    }


def _kind_cluster(files: Files) -> dict[str, Variables]:
    given: Variables = {"kind_cluster_registry": {"name": "registry"}}
    return {
        "present": given,
        "absent": {**given, "kind_cluster_state": "absent"},
        "install": {
            **given,
            "kind_cluster_kind_version": "v0.33.0",
            "kind_cluster_kind_url": files.url,
            "kind_cluster_kind_checksum": files.checksum,
            "kind_cluster_kind_path": str(files.home / "bin" / "kind"),
        },
    }


def _flux_install(files: Files) -> dict[str, Variables]:
    direct: Variables = {"flux_install_manifests": str(files.manifests)}
    git: Variables = {
        "flux_install_repository": "https://git.test/owner/fleet.git",
        "flux_install_host": "gitea",
        "flux_install_cluster_auth": "ssh",
    }
    operator: Variables = {"flux_install_method": "operator", "flux_install_operator_manifests": str(files.manifests)}
    download: Variables = {
        "flux_install_manifests": files.url,
        "flux_install_manifests_checksum": files.checksum,
        "flux_install_download_dir": str(files.home / "downloads"),
    }
    absent: Variables = {"flux_install_state": "absent", "flux_install_remove_from_repository": True}
    return {
        "direct": direct,
        "cli": {"flux_install_method": "cli", "flux_install_cli_path": str(files.program)},
        "download": download,
        "bootstrap": {**direct, **git},
        "operator": {**operator, **git},
        "absent": {**direct, **git, **absent},
        "operator absent": {**operator, **absent},
    }


_CASES: dict[str, t.Callable[[Files], dict[str, Variables]]] = {
    "flux_install": _flux_install,
    "flux_secrets": _flux_secrets,
    "flux_source": _flux_source,
    "kind_cluster": _kind_cluster,
    "publish": _publish,
}
