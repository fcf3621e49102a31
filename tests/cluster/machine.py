# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Docker and kind: names that nobody else has, and nothing left behind.

Images come from variables, with the public ones as defaults, so that a machine with internet needs nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from support.plain_client import PlainClient, basic
from support.playbook import Ran, run

USER, PASSWORD = "lab", "lab-password"
SSH_PORT = 2222
# The lab's Gitea has no SSH server, and a settings file that only its owner may make writable.
_SSH = f"START_SSH_SERVER = true\\nBUILTIN_SSH_SERVER_USER = git\\nSSH_LISTEN_PORT = {SSH_PORT}"
_GITEA = f"""chmod u+w /etc/gitea.ini
sed 's/^DISABLE_SSH.*/{_SSH}/' /etc/gitea.ini >/tmp/ini
cat /tmp/ini >/etc/gitea.ini
exec /usr/local/bin/gitea-start"""
Variables = dict[str, t.Any]


def need(*programs: str) -> None:
    """Skip, which is a failure on CI, where one of these or Docker's daemon is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("Docker does not answer")


def docker(*arguments: str) -> str:
    """What it says; it has to succeed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(check: t.Callable[[], t.Any], seconds: float = 90.0) -> t.Any:
    """What `check` gives once it gives something, and raises nothing."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = check()
        except (AssertionError, OSError):
            if time.monotonic() > end:
                raise
            found = None
        if found:
            return found
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.5)


@dataclass
class Cluster:
    """A kind cluster by the role kind_cluster; nothing is there before the first play."""

    directory: Path
    name: str = field(default_factory=lambda: f"e2e-{secrets.token_hex(3)}")
    port: int = field(default_factory=free_port)

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def network(self) -> str:
        """Its own: on one that is shared, somebody else takes the address of a node that is stopped."""
        return self.name

    @property
    def registry(self) -> str:
        return f"{self.name}-registry"

    @property
    def plane(self) -> str:
        return f"{self.name}-control-plane"

    @property
    def config(self) -> Variables:
        path = os.environ.get("LAB_KIND_CONFIG")
        return t.cast("Variables", yaml.safe_load(Path(path).read_text())) if path else {}

    @property
    def variables(self) -> Variables:
        given: Variables = {
            "kind_cluster_name": self.name,
            "kind_cluster_config": self.config,
            "kind_cluster_kubeconfig": str(self.kubeconfig),
        }
        if "LAB_NODE_IMAGE" in os.environ:
            given["kind_cluster_image"] = os.environ["LAB_NODE_IMAGE"]
        return given

    @property
    def registry_variables(self) -> Variables:
        registry: Variables = {"name": self.registry, "port": self.port}
        if "LAB_REGISTRY_IMAGE" in os.environ:
            registry["image"] = os.environ["LAB_REGISTRY_IMAGE"]
        return {"kind_cluster_registry": registry}

    def play(self, role: str, variables: Variables, *arguments: str, fails: bool = False) -> Ran:
        """A role of ours in a play of its own; it has to succeed, or to fail."""
        file = self.directory / f"{role}.yml"
        play = {"hosts": "localhost", "gather_facts": False, "roles": [f"proven.gitops.{role}"]}
        play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        file.write_text(json.dumps([play]))
        ran = run(file, variables, *arguments)
        assert (ran.code != 0) is fails, ran.output
        assert PASSWORD not in ran.output
        return ran

    def make(self, *arguments: str, **changes: t.Any) -> Ran:
        """The role kind_cluster."""
        return self.play("kind_cluster", {**self.variables, **changes}, *arguments)

    def kubectl(self, *arguments: str) -> str:
        """As the cluster's own administrator, in its node."""
        return docker("exec", self.plane, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *arguments)

    def read(self, *arguments: str) -> Variables:
        return t.cast("Variables", json.loads(self.kubectl("get", *arguments, "--output=json")))

    def left(self) -> list[str]:
        """What Docker has of it."""
        return docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name={self.name}").splitlines()

    def remove(self) -> None:
        """Whatever happened."""
        label = f"label=io.x-k8s.kind.cluster={self.name}"
        names = docker("ps", "--all", "--quiet", "--filter", label).split()
        if names:
            docker("rm", "--force", "--volumes", *names)
        subprocess.run(["docker", "rm", "--force", "--volumes", self.registry], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", self.network], capture_output=True, check=False)


@contextlib.contextmanager
def cluster(directory: Path) -> t.Iterator[Cluster]:
    """Removed at the end, also where it was made only in part."""
    made = Cluster(directory)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", made.network)
        try:
            yield made
        finally:
            made.remove()


@dataclass(frozen=True)
class Gitea:
    """A git host in a container on the cluster's network, under a name that its nodes and pods resolve."""

    name: str
    port: int

    @property
    def address(self) -> str:
        """By which this machine and the cluster reach it alike."""
        address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return f"{docker('inspect', '--format', address, self.name)}:3000"

    def url(self, repository: str) -> str:
        """By which this machine reaches a repository."""
        return f"http://127.0.0.1:{self.port}/{USER}/{repository}.git"

    def in_cluster(self, repository: str) -> str:
        """By which the cluster does, over SSH."""
        return f"ssh://git@{self.name}:{SSH_PORT}/{USER}/{repository}.git"

    def known_hosts(self) -> str:
        """The host key, as the cluster has to see it, from the server itself."""
        scan = ["ssh-keyscan", "-p", str(SSH_PORT), self.address.partition(":")[0]]
        lines = subprocess.run(scan, capture_output=True, text=True, check=False).stdout.splitlines()
        key = next(line.split()[1:] for line in lines if not line.startswith("#"))
        return " ".join([f"[{self.name}]:{SSH_PORT}", *key])

    def api(self, method: str, path: str, document: t.Any = None) -> t.Any:
        client = PlainClient(f"127.0.0.1:{self.port}", authorization=basic(USER, PASSWORD))
        body = None if document is None else json.dumps(document)
        answer = client.call(method, f"/api/v1{path}", body, Content_Type="application/json")
        assert 200 <= answer.status < 300, answer
        return answer.json if answer.body else None

    def create(self, name: str) -> None:
        """A private repository with a commit in it."""
        document = {"name": name, "private": True, "auto_init": True, "default_branch": "main"}
        self.api("POST", "/user/repos", document)

    def commits(self, repository: str) -> list[str]:
        """The subjects, the newest first."""
        listed = self.api("GET", f"/repos/{USER}/{repository}/commits?limit=50")
        return [one["commit"]["message"].splitlines()[0] for one in listed]


@contextlib.contextmanager
def gitea(made: Cluster) -> t.Iterator[Gitea]:
    """Started on the network that the cluster has made."""
    if "LAB_GIT_IMAGE" not in os.environ:
        pytest.skip("LAB_GIT_IMAGE names no Gitea with the user lab")
    name = f"{made.name}-git"
    server = Gitea(name, free_port())
    options = ["--name", name, "--network", made.network, "--publish", f"127.0.0.1:{server.port}:3000"]
    try:
        docker("run", "--detach", *options, "--entrypoint", "/bin/sh", os.environ["LAB_GIT_IMAGE"], "-ec", _GITEA)
        eventually(lambda: server.api("GET", "/version"))
        eventually(server.known_hosts)
        yield server
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
