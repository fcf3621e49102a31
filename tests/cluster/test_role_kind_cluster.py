# SPDX-License-Identifier: GPL-3.0-or-later
"""The role kind_cluster on real Docker and kind: from nothing to nodes that pull from the registry beside them.

The last of those that use the cluster of the roles: it is stopped here, and taken away.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import stat
import threading
import typing as t
from pathlib import Path

import pytest
from cluster.machine import Cluster, docker, eventually

pytestmark = pytest.mark.timeout(900)


def test_a_second_run_changes_nothing(made: Cluster) -> None:
    assert made.make("--check", **made.registry_variables).changed == []
    again = made.make(**made.registry_variables)
    assert again.changed == []
    assert stat.S_IMODE(made.kubeconfig.stat().st_mode) == 0o600
    result = again.result("Keep what was made")["ansible_facts"]["kind_cluster_result"]
    assert (result["context"], result["network"]) == (f"kind-{made.name}", made.network)
    assert result["registry_address"] == f"127.0.0.1:{made.port}"
    nodes = made.read("nodes")["items"]
    ready = [one["status"] for node in nodes for one in node["status"]["conditions"] if one["type"] == "Ready"]
    assert ready == ["True"]


def test_a_pod_from_the_registry(made: Cluster) -> None:
    image = f"localhost:{made.port}/hello:1"
    docker("tag", os.environ.get("LAB_HELLO_IMAGE", "registry.k8s.io/pause:3.10"), image)
    try:
        docker("push", image)
    finally:
        docker("rmi", image)
    made.kubectl("run", "hello", f"--image={image}")
    eventually(lambda: made.read("pod", "hello")["status"].get("phase") == "Running")
    made.kubectl("delete", "pod", "hello", "--now")


def test_drift_is_reported(made: Cluster) -> None:
    config = json.loads(json.dumps(made.config or {"nodes": [{"role": "control-plane"}]}))
    config["nodes"][0]["extraPortMappings"] = [{"containerPort": 30080, "hostPort": 8080}]
    config["nodes"].append({"role": "worker"})
    changes = {"kind_cluster_config": config}
    refused = made.play("kind_cluster", {**made.variables, **changes}, fails=True)
    drift = refused.result("Make the cluster what it is to be")["failure"]["details"]["drift"]
    assert drift == [
        f"{made.name}-worker: is declared, and is not there",
        f"{made.plane}: does not publish 0.0.0.0:8080 to 30080/tcp",
    ]
    warned = made.make(**changes, kind_cluster_on_drift="warn")
    assert warned.changed == []
    assert "30080/tcp" in warned.output


def test_a_node_that_was_stopped_is_started(made: Cluster) -> None:
    docker("stop", "--time", "5", made.plane)
    assert made.make("--check").changed != []
    assert made.make().changed != []
    assert made.make(**made.registry_variables).changed == []


def test_kind_is_installed_when_asked(made: Cluster, tmp_path: Path) -> None:
    kind = Path(str(shutil.which("kind"))).read_bytes()
    (tmp_path / "kind-linux-amd64").write_bytes(kind)
    handler = http.server.SimpleHTTPRequestHandler
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *given: handler(*given, directory=str(tmp_path))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        dest = tmp_path / "bin" / "kind"
        options: dict[str, t.Any] = {
            "kind_cluster_kind_version": "v0.33.0",
            "kind_cluster_kind_checksum": "0" * 64,
            "kind_cluster_kind_url": f"http://127.0.0.1:{server.server_address[1]}/kind-linux-amd64",
            "kind_cluster_kind_path": str(dest),
        }
        made.play("kind_cluster", {**made.variables, **options}, fails=True)
        assert not dest.exists()
        options["kind_cluster_kind_checksum"] = hashlib.sha256(kind).hexdigest()
        assert len(made.make("--check", **options).changed) == 1  # the refused download has made the directory
        assert len(made.make(**options).changed) == 1
        assert made.make(**options).changed == []
        server.shutdown()
    assert os.access(dest, os.X_OK)


def test_absent(made: Cluster) -> None:
    """Last: it takes the cluster away."""
    predicted = made.make("--check", kind_cluster_state="absent", **made.registry_variables)
    assert len(predicted.changed) == 2
    done = made.make(kind_cluster_state="absent", **made.registry_variables)
    assert done.changed == predicted.changed
    assert docker("ps", "--all", "--quiet", "--filter", f"name={made.name}") == ""
    assert not made.kubeconfig.exists()
    assert made.make(kind_cluster_state="absent", **made.registry_variables).changed == []
