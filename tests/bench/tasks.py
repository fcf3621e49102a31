# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work as tasks of ours, as `command` tasks around the tools, and as a shell loop around them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from bench.world import PASSPHRASE, World

SOURCE, REVISION = "https://git.example.com/fleet", "main@sha1:0123456789abcdef0123456789abcdef01234567"
# What both sides sign with: a key, no transparency log.
SIGN = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=true")
VERIFY = ("--insecure-ignore-tlog=true",)

Task = dict[str, t.Any]


@dataclass(frozen=True)
class Artifact:
    """What to publish, and where: `host:port/repository:tag`."""

    path: Path
    reference: str

    @property
    def url(self) -> str:
        return f"oci://{self.reference}"


def artifacts(directories: t.Sequence[Path], prefix: str) -> list[Artifact]:
    """Each directory as an artifact in a repository of its own."""
    return [Artifact(directory, f"{prefix}/{directory.name}:v1") for directory in directories]


def push_options(wanted: t.Sequence[Artifact]) -> dict[str, t.Any]:
    """For oci_push."""
    listed = [{"reference": artifact.url, "path": str(artifact.path)} for artifact in wanted]
    return {"artifacts": listed, "source": SOURCE, "revision": REVISION}


def ours(world: World, wanted: t.Sequence[Artifact]) -> list[Task]:
    """Push, sign and verify: three tasks."""
    references = "{{ pushed.artifacts | map(attribute='reference') | list }}"
    key = {"privatekey_path": str(world.key), "privatekey_passphrase": PASSPHRASE}
    return [
        {"proven.gitops.oci_push": push_options(wanted), "register": "pushed"},
        {"proven.gitops.cosign_sign": {"references": references, **key}},
        {"proven.gitops.cosign_verify": {"references": references, "public_keys": [{"path": str(world.pub)}]}},
    ]


def commands(world: World, wanted: t.Sequence[Artifact]) -> list[Task]:
    """What a team has today: each tool in a loop of `ansible.builtin.command`."""
    push = ["flux", "push", "artifact", "{{ item.url }}", "--path", "{{ item.path }}", "-o", "json"]
    push += [f"--source={SOURCE}", f"--revision={REVISION}"]
    pushed = "{{ (item.stdout | from_json).repository }}@{{ (item.stdout | from_json).digest }}"
    done = "{{ pushed.results }}"
    loop = [{"url": artifact.url, "path": str(artifact.path)} for artifact in wanted]
    return [
        {"ansible.builtin.command": {"argv": push}, "loop": loop, "register": "pushed"},
        {"ansible.builtin.command": {"argv": ["cosign", "sign", "--key", str(world.key), *SIGN, pushed]}, "loop": done},
        {
            "ansible.builtin.command": {"argv": ["cosign", "verify", "--key", str(world.pub), *VERIFY, pushed]},
            "loop": done,
        },
    ]


def shell(world: World, wanted: t.Sequence[Artifact]) -> str:
    """The bare tools, without Ansible: a script for sh."""
    lines = ["set -e"]
    digest = """sed -n 's/.*"digest": *"\\([^"]*\\)".*/\\1/p'"""
    for artifact in wanted:
        name = artifact.reference.rpartition(":")[0]
        push = f"flux push artifact {artifact.url} --path {artifact.path} -o json --source={SOURCE}"
        lines += [
            f"digest=$({push} --revision={REVISION} | {digest})",
            f"cosign sign --key {world.key} {' '.join(SIGN)} {name}@$digest",
            f"cosign verify --key {world.pub} {' '.join(VERIFY)} {name}@$digest",
        ]
    return "\n".join(lines)


def verify_loop(world: World, references: t.Sequence[str]) -> str:
    """`cosign verify` of each: a script for sh."""
    command = f"cosign verify --key {world.pub} {' '.join(VERIFY)}"
    return "\n".join(["set -e", *(f"{command} {reference}" for reference in references)])
