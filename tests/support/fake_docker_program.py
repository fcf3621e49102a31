# SPDX-License-Identifier: GPL-3.0-or-later
"""What fake_docker.py puts on PATH: run with `docker` or `kind` as its first argument, it keeps book in a file.

It is started some hundred times in a test run, so that it imports next to nothing.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # pragma: no cover
    import typing as t

    State = dict[str, t.Any]

STATE = "FAKE_MACHINE"
CLUSTER, ROLE = "io.x-k8s.kind.cluster", "io.x-k8s.kind.role"
KUBECONFIG = """apiVersion: v1
kind: Config
current-context: kind-{name}
clusters: [{{name: kind-{name}, cluster: {{server: "https://127.0.0.1:6443"}}}}]
contexts: [{{name: kind-{name}, context: {{cluster: kind-{name}, user: kind-{name}}}}}]
users: [{{name: kind-{name}, user: {{client-key-data: Y2FuYXJ5LWtleQ==}}}}]
"""


def load(path: str) -> State:
    with open(path, encoding="utf-8") as file:
        return dict(json.load(file))


def save(path: str, state: State) -> None:
    """In one step: a test that kills a task must not kill the book."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(f"{path}.new", path)


def make_cluster(state: State, name: str, config: State) -> None:
    counts: dict[str, int] = {}
    for node in config.get("nodes") or [{}]:
        role = node.get("role", "control-plane")
        counts[role] = counts.get(role, 0) + 1
        suffix = str(counts[role]) if counts[role] > 1 else ""
        ports = {f"{one['containerPort']}/{one.get('protocol', 'tcp').lower()}": _binding(one) for one in _ports(node)}
        if role == "control-plane":
            ports["6443/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": "41234"}]
        mounts = [
            {"Type": "bind", "Source": one["hostPath"], "Destination": one["containerPath"], "RW": True}
            for one in node.get("extraMounts", [])
        ]
        add(
            state,
            f"{name}-{role}{suffix}",
            node.get("image", "kindest/node:default"),
            {CLUSTER: name, ROLE: role},
            ports,
            "kind",
            mounts=[*mounts, {"Type": "bind", "Source": "/lib/modules", "Destination": "/lib/modules", "RW": False}],
        )


def add(state: State, name: str, image: str, labels: State, ports: State, network: str, **more: t.Any) -> None:
    state["containers"][name] = {
        "image": image,
        "image_id": state["images"].get(image, f"sha256:{image}"),
        "labels": labels,
        "ports": ports,
        "status": "running",
        "networks": [network],
        "files": {"/etc/containerd/config.toml": 'config_path = "/etc/containerd/certs.d"', **more.pop("files", {})},
        "mounts": [],
        "ready": True,
        "config_map": None,
        "kubeconfig": True,
        **more,
    }


def _ports(node: State) -> list[State]:
    return list(node.get("extraPortMappings", []))


def _binding(one: State) -> list[State]:
    return [{"HostIp": one.get("listenAddress", "0.0.0.0"), "HostPort": str(one.get("hostPort", 0) or 40000)}]


class Failed(Exception):
    """The program ends with this on stderr."""


def main(program: str, arguments: list[str]) -> int:
    path = os.environ[STATE]
    state = load(path)
    call = " ".join([program, *arguments])
    state["calls"].append(call)
    output = ""
    code = 0
    try:
        for command, reason in state["failures"].items():
            if reason and call.startswith(command):
                raise Failed(reason)
        output = (docker if program == "docker" else kind)(state, arguments)
    except Failed as error:
        print(error, file=sys.stderr)  # noqa: T201
        code = 1
    save(path, state)
    sys.stdout.write(output)
    return code


def docker(state: State, arguments: list[str]) -> str:
    verb, *rest = arguments
    if verb in ("version", "info"):
        return "27.0.0\n"
    if verb == "ps":
        cluster = rest[-1].partition("=")[2].partition("=")[2]
        return "".join(
            f"{name}\n" for name, one in state["containers"].items() if one["labels"].get(CLUSTER) == cluster
        )
    if verb == "container":
        return _inspect(state, rest[1:])
    if verb == "image":
        if rest[-1] not in state["images"]:
            raise Failed(f"No such image: {rest[-1]}")
        return str(state["images"][rest[-1]]) + "\n"
    return _changing(state, verb, rest)


def _changing(state: State, verb: str, rest: list[str]) -> str:
    if verb == "rm":
        for name in rest[2:]:
            state["containers"].pop(name, None)
    elif verb == "start":
        for name in rest:
            state["containers"][name]["status"] = "running"
    elif verb == "network":
        state["containers"][rest[2]]["networks"].append(rest[1])
    elif verb == "run":
        return _run(state, rest)
    elif verb == "exec":
        return _execute(state["containers"][rest[1]], rest[2:])
    return ""


def _inspect(state: State, names: list[str]) -> str:
    found = []
    for name in names:
        one = state["containers"].get(name)
        if one is None:
            raise Failed(f"Error: No such container: {name}")
        found.append(
            {
                "Name": f"/{name}",
                "Image": one["image_id"],
                "Config": {"Image": one["image"], "Labels": one["labels"]},
                "HostConfig": {"PortBindings": one["ports"]},
                "State": {"Status": one["status"]},
                "Mounts": one["mounts"],
                "NetworkSettings": {"Networks": dict.fromkeys(one["networks"])},
            }
        )
    return json.dumps(found)


def _run(state: State, rest: list[str]) -> str:
    options = dict(zip(rest[1::2], rest[2::2], strict=False))
    address, host, inside = options["--publish"].rsplit(":", 2)
    label = options["--label"].partition("=")
    ports = {f"{inside}/tcp": [{"HostIp": address.strip("[]"), "HostPort": host}]}
    add(state, options["--name"], rest[-1], {label[0]: label[2]}, ports, options["--network"])
    return "id\n"


def _execute(node: State, command: list[str]) -> str:
    if node["status"] != "running":
        raise Failed("container is not running")
    verb, *rest = command
    if verb == "sh":  # -c SCRIPT sh PATH ...
        if "base64" not in rest[1]:
            text = sys.stdin.read()
            node["files"] |= dict.fromkeys(rest[3:], text)
            return ""
        files = {path: node["files"][path] for path in rest[3:] if path in node["files"]}
        return "".join(f"{path} {base64.b64encode(text.encode()).decode()}\n" for path, text in files.items())
    if verb == "cat":
        if rest[0] not in node["files"]:
            raise Failed(f"cat: {rest[0]}: No such file or directory")
        return str(node["files"][rest[0]])
    if verb == "cp":
        node["files"][rest[1]] = sys.stdin.read()
    elif verb == "rm":
        gone = tuple(rest[1:])
        node["files"] = {path: text for path, text in node["files"].items() if not path.startswith(gone)}
    elif verb == "kubectl":
        return _kubectl(node, [one for one in rest if not one.startswith("--")])
    return ""


def _kubectl(node: State, rest: list[str]) -> str:
    if rest[:2] == ["get", "nodes"]:
        cluster = node["labels"][CLUSTER]
        containers = load(os.environ[STATE])["containers"]
        nodes = [(name, one) for name, one in containers.items() if one["labels"].get(CLUSTER) == cluster]
        return json.dumps({"items": [_node(name, one["ready"]) for name, one in nodes if one["ready"] != "absent"]})
    if rest[0] == "get":
        if node["config_map"] is None:
            raise Failed("Error from server (NotFound)")
        return json.dumps({"data": node["config_map"]})
    document = json.loads(sys.stdin.read())
    node["config_map"] = document["data"] if rest[0] == "apply" else None
    return ""


def _node(name: str, ready: bool) -> State:
    condition = {"type": "Ready", "status": str(ready), "message": "" if ready else "cni plugin not initialized"}
    return {"metadata": {"name": name}, "status": {"conditions": [condition]}}


def kind(state: State, arguments: list[str]) -> str:
    if arguments == ["version"]:
        return "kind v0.33.0\n"
    verb, what, *rest = arguments
    options = dict(zip(rest[::2], rest[1::2], strict=False))
    name = options["--name"]
    if (verb, what) == ("create", "cluster"):
        config = json.loads(sys.stdin.read())
        make_cluster(state, name, config)
        state["networks"].append("kind")
        if seconds := float(state.get("slow", 0)):  # killed meanwhile, it leaves containers without a cluster in them
            for one in state["containers"].values():
                one["kubeconfig"] = False
            save(os.environ[STATE], state)
            time.sleep(seconds)
        return ""
    nodes = [one for one in state["containers"].values() if one["labels"].get(CLUSTER) == name]
    if not nodes or not nodes[0]["kubeconfig"]:
        raise Failed(f'ERROR: could not locate any control plane nodes for cluster named "{name}"')
    return KUBECONFIG.format(name=name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
