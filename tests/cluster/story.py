# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook prove on this machine: an application, from nothing to pods, under names that nobody else has."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cluster.machine import Cluster, Variables, free_port
from support.killing import events
from support.plain_client import PlainClient, basic
from support.playbook import Ran, run

if t.TYPE_CHECKING:
    from conftest import RunModule

APP, USER = "hello", "fleet"
# The lab's Gitea has a settings file that only its owner may make writable.
_START = "chmod u+w /etc/gitea.ini && exec /usr/local/bin/gitea-start"


@dataclass
class Story:
    """One application on one cluster, with a registry and a git server beside it."""

    directory: Path
    cluster: Cluster
    git_port: int = field(default_factory=free_port)
    steps: dict[str, float] = field(default_factory=dict)  # of the first run
    wanted: Variables = field(default_factory=dict)  # its state after that

    @property
    def home(self) -> Path:
        return self.directory / "prove"

    @property
    def git(self) -> str:
        return f"{self.cluster.name}-git"

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def repository(self) -> str:
        return f"oci://127.0.0.1:{self.cluster.port}/manifests/{APP}"

    @property
    def variables(self) -> Variables:
        given: Variables = {
            "prove_dir": str(self.home),
            "prove_cluster": self.cluster.name,
            "prove_kind_config": self.cluster.config,
            "prove_manifests": str(self.directory / APP),
            "prove_registry_port": self.cluster.port,
            # A registry that asks nobody takes everybody: so the login has its Secret, too.
            "prove_registry_login": True,
            "prove_registry_username": "anybody",
            "prove_registry_password": "registry-password",
            "prove_git_name": self.git,
            "prove_git_port": self.git_port,
            "prove_requests": [{"namespace": APP, "service": APP, "port": "http"}],
        }
        images = {"node": "NODE", "registry": "REGISTRY", "git": "GIT"}
        given |= {f"prove_{one}_image": os.environ.get(f"LAB_{name}_IMAGE", "") for one, name in images.items()}
        given["prove_flux_manifests"] = os.environ.get("LAB_FLUX_MANIFESTS", "")
        if given["prove_git_image"]:
            given |= {"prove_git_arguments": ["--entrypoint=/bin/sh"], "prove_git_command": ["-c", _START]}
        return given

    def write_manifests(self, word: str = "proven") -> None:
        """A namespace, a workload that answers with `word`, and its service."""
        lab = os.environ.get("LAB_HELLO_IMAGE")
        container = {
            "name": APP,
            "image": lab or "ghcr.io/stefanprodan/podinfo:6.9.2",
            "env": [{"name": "MSG", "value": word}],
            "ports": [{"name": "http", "containerPort": 8080 if lab else 9898}],
            "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
        }
        labels = {"app.kubernetes.io/name": APP}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        metadata = {"name": APP, "namespace": APP}
        documents = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": APP}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
            | {"spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
            | {"spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}},
        ]
        (self.directory / APP).mkdir(exist_ok=True)
        (self.directory / APP / "app.yaml").write_text(yaml.safe_dump_all(documents))

    def play(self, *arguments: str, fails: bool = False, environment: Variables | None = None, **changes: t.Any) -> Ran:
        """The playbook; it has to succeed, or to fail."""
        ran = run("proven.gitops.prove", {**self.variables, **changes}, *arguments, **(environment or {}))
        assert (ran.code != 0) is fails, ran.output
        assert "registry-password" not in ran.output
        return ran

    def begin(self, *arguments: str) -> Ran:
        """The first run on an empty machine; it tells the steps that change something, and how long each takes."""
        record = self.directory / "halt.jsonl"
        environment = {"ANSIBLE_CALLBACKS_ENABLED": "record,halt", "HALT_RECORD": str(record)}
        done = self.play(*arguments, environment=environment)
        seen = events(record)
        starts = {one.task: one.at for one in seen if one.event == "start"}
        ends = {one.task: one.at for one in seen if one.event == "ok"}
        self.steps = {task: ends[task] - starts[task] for task in dict.fromkeys(done.changed)}
        return done

    def state(self, run_module: RunModule) -> dict[str, t.Any]:
        """All that has to be the same, however often a run was killed."""
        secrets = self.kubectl("get", "secrets", "--namespace=flux-system")["items"]
        source = self.kubectl("get", "ocirepository", APP, "--namespace=flux-system")
        [artifact] = run_module("oci_artifact_info", reference=f"{self.repository}:1.0.0")["artifacts"]
        lines = self.evidence().splitlines()
        return {
            "digest": artifact["digest"],
            "evidence": next(line.split()[1] for line in lines if line.strip().startswith("digest")),
            "signatures": len(artifact["signatures"]),
            "commits": self.commits(),
            "files": sorted(str(one.relative_to(self.home)) for one in self.home.rglob("*")),
            "containers": sorted(self.left()),
            "secrets": {one["metadata"]["name"]: sorted(one["data"]) for one in secrets},
            "verified": {
                one["type"]: (one["status"], one["reason"])
                for one in source["status"]["conditions"]
                if one["type"] in ("Ready", "SourceVerified")
            },
        }

    def git_api(self, method: str, path: str, document: t.Any = None) -> t.Any:
        login = basic(USER, (self.home / "git.password").read_text())
        client = PlainClient(f"127.0.0.1:{self.git_port}", authorization=login)
        body = None if document is None else json.dumps(document)
        answer = client.call(method, f"/api/v1{path}", body, Content_Type="application/json")
        assert 200 <= answer.status < 300, answer
        return answer.json if answer.body else None

    def commits(self) -> list[str]:
        """The subjects of the fleet's repository, the newest first."""
        listed = self.git_api("GET", f"/repos/{USER}/fleet/commits?limit=50")
        return [one["commit"]["message"].splitlines()[0] for one in listed]

    def left(self) -> list[str]:
        """What Docker has of it."""
        return self.cluster.left()

    def evidence(self) -> str:
        return (self.home / "evidence.txt").read_text()

    def kubectl(self, *arguments: str) -> Variables:
        command = ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments, "--output=json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return t.cast("Variables", json.loads(done.stdout))

    def remove(self) -> None:
        """Whatever happened; the cluster's own goes with the cluster."""
        subprocess.run(["docker", "rm", "--force", "--volumes", self.git], capture_output=True, check=False)
