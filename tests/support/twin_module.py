# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module of the twin (tests/support/twin.py): writes down its options, and answers as if all had gone well.

WANT_JSON: Ansible hands such a module its options in a file, and checks none of them.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t

Options = dict[str, t.Any]
DIGEST = "sha256:" + "a" * 64
COMMIT = "b" * 40
SOURCE = {"revision": "r", "verified": True, "reason": "Succeeded", "message": "verified"}
PODS = [{"name": f"app-{number}", "phase": "Running", "ready": True, "containers": []} for number in (1, 2)]
WORKLOAD = {"kind": "Deployment", "namespace": "app", "name": "app", "pods": PODS}


def _artifacts(options: Options) -> list[Options]:
    asked = options.get("artifacts") or [options]
    return [{"reference": f"{one['reference']}@{DIGEST}", "digest": DIGEST} for one in asked]


def _rendered(options: Options) -> Options:
    files = [{"path": f"dir/{name}", "content": name} for name in ("gotk-sync.yaml", "kustomization.yaml")]
    return {"directory": "dir", "files": files, "content": "rendered"}


ANSWERS: dict[str, t.Callable[[Options], Options]] = {
    "oci_push": lambda options: {"artifacts": _artifacts(options)},
    "oci_tag": lambda options: {"artifacts": options["artifacts"]},
    "cosign_keypair": lambda options: {"public_key": "PUBLIC"},
    "cosign_attest": lambda options: {"attestations": [], "key": DIGEST, "public_key": "PUBLIC"},
    "cosign_sign": lambda options: {"signatures": [], "key": DIGEST, "public_key": "PUBLIC"},
    "cosign_verify": lambda options: {
        "verdicts": [{"verdict": "verified", "formats": ["bundle"], "signed_by": [DIGEST]}]
    },
    "flux_components": lambda options: {"version": "v2.10.1", "previous_version": "", "components": []},
    "flux_git_secret": lambda options: {"public_key": "ssh-ed25519 AAAA"},
    "flux_oci_source": lambda options: {"content": "rendered"},
    "flux_reconcile": lambda options: {"resources": [SOURCE, {"revision": "r"}]},
    "flux_secret": lambda options: {"secret": {"name": options["name"]}},
    "flux_sync": _rendered,
    "flux_workload_info": lambda options: {"workloads": [WORKLOAD], "answers": [], "running": True},
    "git_host_repository": lambda options: {"repository": {"created": False}},
    "git_publish": lambda options: {"commit": COMMIT, "revision": f"main@sha1:{COMMIT}"},
    "kind_cluster": lambda options: {"kubeconfig": "k", "context": "c", "network": "kind", "nodes": [], "drift": []},
    "kind_registry": lambda options: {"address": "127.0.0.1:5001", "cluster_address": "kind-registry:5000"},
    "oci_registry": lambda options: {"address": "127.0.0.1:5000"},
}


def main() -> None:
    """Read, write down, answer."""
    with open(sys.argv[1], encoding="utf-8") as source:
        given = json.load(source)
    module = given["_ansible_module_name"].rpartition(".")[2]
    options = {name: value for name, value in given.items() if not name.startswith("_ansible_")}
    with open(os.environ["TWIN_RECORD"], "a", encoding="utf-8") as sink:
        call = {"module": module, "options": options, "check": given["_ansible_check_mode"]}
        sink.write(json.dumps(call) + "\n")
    gone = module == "flux_reconcile" and options.get("request") == "never"
    failure = {"failed": True, "failure": {"code": "not_found"}} if gone else {}
    sys.stdout.write(json.dumps({"changed": False, **ANSWERS[module](options), **failure}))


if __name__ == "__main__":
    main()
