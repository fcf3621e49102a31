# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module, from the specifications, with something to put into it.

A module's tasks need a few options to be valid: `bases` has them, as few as can be, and peers that are not there.
"""

from __future__ import annotations

import copy
import functools
import typing as t
from pathlib import Path

from support.canaries import MODULES, options

from ansible_collections.proven.gitops.plugins.module_utils._ansible.argspec import Option

Options = dict[str, t.Any]
Path_ = tuple[str | int, ...]

NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there
DIGEST = f"{NOBODY}/team/app@sha256:{'a' * 64}"
QUICK: Options = {"retries": 0, "timeout": 2, "deadline": 4}
CLUSTER: Options = {"host": f"https://{NOBODY}", "request_timeout": 1}


def bases(directory: Path, key: str, public: str) -> dict[str, list[Options]]:
    """Valid tasks of each module: all options of its specification can be added to one of them."""
    keys: Options = {"public_keys": [{"content": public}]}
    return {**_local(directory), **_registry(directory, key, keys), **_cluster(keys)}


def _local(directory: Path) -> dict[str, list[Options]]:
    host = {"provider": "gitea", "url": f"https://{NOBODY}", "owner": "a", "name": "b", "token": "t0ken"}
    files = [{"path": "a.yaml", "content": "a: 1\n"}]
    return {
        "cosign_keypair": [{"path": str(directory / "new.key"), "passphrase": "x"}],
        "git_host_repository": [{**host, "timeout": 1}],
        "git_publish": [{"repository": str(directory / "none.git"), "files": files, "timeout": 5, "attempts": 1}],
        "kind_cluster": [{"kubeconfig": str(directory / "kubeconfig"), "kind_path": "/nonexistent/kind"}],
        "kind_registry": [{"state": "absent"}],
        "oci_registry": [{"data_dir": str(directory / "data"), "state": "stopped"}],
    }


def _registry(directory: Path, key: str, keys: Options) -> dict[str, list[Options]]:
    tree, out = directory / "tree", str(directory / "out")
    tree.mkdir(exist_ok=True)
    (tree / "a.yaml").write_text("kind: A\n")
    one, path = {"reference": f"{NOBODY}/team/app:v1"}, {"path": str(tree)}
    signing = {"privatekey_path": key, "privatekey_passphrase": ""}
    tag = {"reference": DIGEST, "tags": ["v1"]}
    chart = {"reference": f"{NOBODY}/team/app:1.0.0", "path": str(_chart(directory / "chart"))}
    said = {"predicate_type": "custom", "predicate": {"a": "b"}}
    return {
        "cosign_attest": [
            {"reference": DIGEST, **said, **signing, **QUICK},
            {"attestations": [{"reference": DIGEST, **said}], **signing, **QUICK},
        ],
        "cosign_sign": [{"reference": DIGEST, **signing, **QUICK}, {"references": [DIGEST], **signing, **QUICK}],
        "cosign_verify": [{"reference": DIGEST, **keys, **QUICK}],
        "helm_chart_push": [{**chart, **QUICK}, {"charts": [chart], **QUICK}],
        "oci_artifact_info": [{**one, **QUICK}],
        "oci_pull": [{**one, "dest": out, **QUICK}, {"artifacts": [{**one, "dest": out}], **QUICK}],
        "oci_push": [{**one, **path, **QUICK}, {"artifacts": [{**one, **path}], **QUICK}],
        "oci_tag": [{**tag, **QUICK}, {"artifacts": [tag], **QUICK}],
    }


def _chart(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 1.0.0\n")
    return directory


def _cluster(keys: Options) -> dict[str, list[Options]]:
    login = {"name": "login", "registry": "ghcr.io", "username": "me", "password": "some password"}
    return {
        "flux_components": [{"state": "absent", **CLUSTER}],
        "flux_git_secret": [{"token": "some token", **CLUSTER}],
        "flux_oci_source": [{"name": "app", "url": "oci://ghcr.io/org/app", "target": "cluster", **CLUSTER}],
        "flux_reconcile": [{"name": "app", **CLUSTER}, {"resources": [{"name": "app"}], **CLUSTER}],
        "flux_secret": [{**login, **CLUSTER}, {"name": "keys", **keys, **CLUSTER}],
        "flux_source_info": [{"name": "app", **CLUSTER}],
        "flux_sync": [{"url": "https://git.example/fleet.git", "target": "cluster", **CLUSTER}],
        "flux_workload_info": [{"name": "app", **CLUSTER}],
    }


def walk(given: t.Mapping[str, Option], where: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], Option]]:
    """Each option with the names that lead to it."""
    for name, option in given.items():
        yield (*where, name), option
        yield from walk(option.get("options", {}), (*where, name))


@functools.cache
def every() -> list[tuple[str, tuple[str, ...], Option]]:
    """Module, the names that lead to an option, and that option."""
    return [(module, where, option) for module in MODULES for where, option in walk(options(module))]


def _lead(tree: Options, spec: t.Mapping[str, Option], where: tuple[str, ...], value: t.Any) -> None:
    name, *rest = where
    option = spec[name]
    if not rest:
        tree[name] = value
        return
    if option["type"] == "list":
        listed = tree.setdefault(name, [{}])
        _lead(listed[0], option["options"], tuple(rest), value)
    else:
        _lead(tree.setdefault(name, {}), option["options"], tuple(rest), value)


def put(base: Options, module: str, where: tuple[str, ...], value: t.Any) -> Options:
    """The task with that value in that option; what excludes it at the top is taken out."""
    task = copy.deepcopy(base)
    alone = {
        "references": ("reference",),
        "artifacts": ("reference", "path", "dest", "tags"),
        "resources": ("name",),
        "privatekey_content": ("privatekey_path",),
        "attestations": ("reference", "predicate_type", "predicate"),
        "predicate_path": ("predicate",),
        "public_keys": ("registry", "username", "password") if module == "flux_secret" else (),
        "reference": ("references", "artifacts"),
    }
    for name in alone.get(where[0], ()):
        if name != where[0]:
            task.pop(name, None)
    _lead(task, options(module), where, value)
    return task
