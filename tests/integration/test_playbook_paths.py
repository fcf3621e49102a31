# SPDX-License-Identifier: GPL-3.0-or-later
"""Relative paths that a playbook is given start where its user stands, not at the installed collection."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from support.artifacts import flux_tar, put
from support.playbook import ROOT, environment
from support.programs import Programs
from support.registry import RunningRegistry, registry
from support.twin import Twin

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["registry"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user stands. PWD is not to be trusted: what starts a process elsewhere leaves it as it was."""
    directory = tmp_path / "where I stand"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("PWD", "/somewhere/else")
    monkeypatch.setenv("HOME", str(tmp_path))
    return directory


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    return Twin(tmp_path)


def imported(name: str) -> str:
    return f"- ansible.builtin.import_playbook: proven.gitops.{name}\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (".", "{here}/."),
        ("./manifests", "{here}/./manifests"),
        ("../other", "{here}/../other"),
        ("~/mine", "{home}/mine"),
        ("/absolute", "/absolute"),
    ],
)
def test_publish(twin: Twin, here: Path, given: str, expected: str) -> None:
    """Imported by a playbook of the user's own, which is AWX's only way."""
    artifact = {"reference": "oci://registry.test/app", "tag": "1.0.0", "path": given}
    keys = [{"content": "PEM"}, {"path": given}]
    variables = {"publish_artifacts": [artifact], "publish_privatekey_path": given, "publish_public_keys": keys}
    ran = twin.play(imported("publish"), {**variables, "publish_ca_path": given})
    assert ran.code == 0, ran.output
    path = expected.format(here=here, home=here.parent)
    (push,), (sign,), (verify,) = (twin.options(f"{name}") for name in ("oci_push", "cosign_sign", "cosign_verify"))
    assert push["artifacts"] == [
        {"reference": "oci://registry.test/app", "path": path, "compare_with": "1.0.0"},
    ]
    assert (sign["privatekey_path"], push["ca_path"]) == (path, path)
    assert verify["public_keys"] == [{"path": path}, {"content": "PEM"}]


@pytest.mark.parametrize(("name", "key"), [("quickstart", "quickstart"), ("prove", "prove")])
def test_directories(twin: Twin, here: Path, name: str, key: str, tmp_path: Path) -> None:
    """With and without a directory of one's own."""
    path = Programs(tmp_path, "docker", "kind", "git", "flux").path
    (here / "mine").mkdir()
    ran = twin.play(imported(name), {f"{key}_manifests": "mine", f"{key}_dir": "kept"}, "--check", PATH=path)
    assert f"{here}/mine" in " ".join(ran.output.split()), ran.output
    assert f"{here}/kept" in json.dumps([ran.results, [call.options for call in twin.calls]])
    ran = twin.play(imported(name), {}, "--check", PATH=path)
    example = twin.home / "collections" / "ansible_collections" / "proven" / "gitops" / "examples" / "hello"
    assert str(example) in " ".join(ran.output.split()), ran.output
    assert f"{here}/{name}" in json.dumps([ran.results, [call.options for call in twin.calls]])


def test_the_example_in_verify_as_it_is_written(
    here: Path, registry: RunningRegistry, run_module: RunModule, tmp_path: Path
) -> None:
    key = SigningKey.generate()
    (here / "cosign.pub").write_bytes(key.public.pem)
    digest = put(registry.address, "team/app", "1.0.0", [flux_tar({"a.yaml": b"kind: A\n"})], {}).digest
    reference = f"oci://{registry.address}/team/app"
    signed = run_module(
        "cosign_sign",
        reference=f"{reference}@{digest}",
        privatekey_content=key.encrypted_pem(b"").decode(),
        privatekey_passphrase="",
    )
    assert signed["changed"]
    text = (ROOT / "playbooks" / "verify.yml").read_text()
    (example,) = re.findall(r"^# (ansible-playbook proven\.gitops\.verify .*)$", text, re.MULTILINE)
    assert "oci://..." in example
    program, *arguments = shlex.split(example.replace("oci://...", f"{reference}:1.0.0"))
    record = tmp_path / "results"
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env={**os.environ, **environment(record)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"verified: {registry.address}/team/app" in done.stdout
