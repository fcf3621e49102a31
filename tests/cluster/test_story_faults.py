# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the machine, the cluster or the remote ends the story with what to do; then it goes on.

One machine goes through it all, in this order.
"""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml
from cluster.machine import Variables, docker, eventually
from cluster.story import APP, USER, Story
from support.playbook import Ran

if t.TYPE_CHECKING:
    from conftest import RunModule

pytestmark = pytest.mark.timeout(900)


def _failure(ran: Ran, task: str) -> Variables:
    """What the one task that failed says: a code, and a message for people."""
    assert [name.rpartition(" : ")[2] for name in ran.failed] == [task], ran.output
    return t.cast("Variables", ran.result(task)["failure"])


def test_then_it_converges(story: Story, run_module: RunModule) -> None:
    done = story.begin("--diff")
    story.wanted = story.state(run_module)
    assert "SourceVerified" in done.output or "verified" in story.evidence()
    assert [one for one in ("digest", "signed by", "applied", "pod") if one not in story.evidence()] == []
    assert story.play().changed == []  # in check mode, too: test_a_new_version_in_check_mode_first


@pytest.mark.parametrize(
    ("change", "code", "advice"),
    [
        ({"certificate-authority-data": None}, "unreachable", "certificate"),
        (None, "unauthorized", "kubeconfig"),
    ],
)
def test_a_wrong_kubeconfig(story: Story, tmp_path: Path, change: Variables | None, code: str, advice: str) -> None:
    content = yaml.safe_load(story.kubeconfig.read_text())
    if change is None:
        content["users"][0]["user"] = {"token": "nobody-knows-this-one"}
    else:
        content["clusters"][0]["cluster"] |= change
        content["clusters"][0]["cluster"] = {k: v for k, v in content["clusters"][0]["cluster"].items() if v}
    wrong = tmp_path / "kubeconfig"
    wrong.write_text(yaml.safe_dump(content))
    manifests = {"flux_install_manifests": story.variables["prove_flux_manifests"]}
    for role, task, given in (
        ("flux_install", "Apply Flux's components", manifests),
        ("flux_secrets", "Give Flux the public keys that prove", _keys(story)),
    ):
        refused = story.cluster.play(role, {**given, f"{role}_kubeconfig": str(wrong)}, fails=True)
        failure = _failure(refused, task)
        assert (failure["code"], advice in failure["message"]) == (code, True), failure
        assert "nobody-knows-this-one" not in refused.output


def _keys(story: Story) -> Variables:
    return {"flux_secrets_public_keys": [{"path": str(story.home / "cosign.pub")}]}


def test_a_secret_without_a_public_key(story: Story) -> None:
    """Flux says of it only that no signature matches; ours says which key of the Secret is missing."""
    given = _declare(story, "second")
    secret = ["secret", "cosign-pub", "--namespace=flux-system"]
    held = story.kubectl("get", *secret)["data"]["cosign.pub"]
    patch = {"data": {"cosign.pub": None, "cosign.key": held}}
    story.kubectl("patch", *secret, "--type=merge", f"--patch={json.dumps(patch)}")
    failure = _failure(
        story.cluster.play("flux_source", given, fails=True), "Wait until Flux has proven and applied the artifact"
    )
    assert [one["code"] for one in failure["details"]["failures"]] == ["refused", "source_failed"]
    assert "no key of the Secret cosign-pub ends in .pub" in failure["message"]
    assert "flux_secret" in failure["message"]
    story.cluster.play("flux_secrets", {**_keys(story), "flux_secrets_kubeconfig": str(story.kubeconfig)})
    story.cluster.play("flux_source", given)
    assert story.cluster.play("flux_source", given).changed == []


def _declare(story: Story, name: str) -> Variables:
    """An application of its own, published; and what the role flux_source needs for it."""
    copy = story.directory / name
    copy.mkdir()
    text = (story.directory / APP / "app.yaml").read_text()
    (copy / "app.yaml").write_text(text.replace(f": {APP}\n", f": {name}\n"))
    artifact = {
        "reference": f"oci://127.0.0.1:{story.cluster.port}/manifests/{name}",
        "tag": "1.0.0",
        "path": str(copy),
    }
    key = {"publish_privatekey_path": str(story.home / "cosign.key"), "publish_privatekey_passphrase": ""}
    given = {"publish_artifacts": [artifact], **key, "publish_flux_version": "2.9"}
    published = story.cluster.play("publish", given).result("Keep what was published")
    return {
        "flux_source_digest": published["ansible_facts"]["publish_result"]["artifacts"][0]["digest"],
        "flux_source_name": name,
        "flux_source_url": f"oci://{story.cluster.registry}:5000/manifests/{name}",
        "flux_source_insecure": True,
        "flux_source_signature_format": "bundle",
        "flux_source_repository": f"http://127.0.0.1:{story.git_port}/{USER}/fleet.git",
        "flux_source_git_username": USER,
        "flux_source_git_token": (story.home / "git.password").read_text(),
        "flux_source_cluster": story.cluster.name,
        "flux_source_kubeconfig": str(story.kubeconfig),
        "flux_source_flux_version": "2.9",
    }


def test_a_remote_that_refuses(story: Story) -> None:
    given = _declare(story, "third")
    rule = {"branch_name": "main", "rule_name": "main", "enable_push": False}
    story.git_api("POST", f"/repos/{USER}/fleet/branch_protections", rule)
    failure = _failure(story.cluster.play("flux_source", given, fails=True), "Commit it to the fleet's repository")
    assert failure["code"] == "push_declined"
    story.git_api("DELETE", f"/repos/{USER}/fleet/branch_protections/main")
    assert story.cluster.play("flux_source", given).changed != []
    away = {**given, "flux_source_state": "absent"}
    assert story.cluster.play("flux_source", away).changed != []
    assert story.cluster.play("flux_source", away).changed == []


def test_a_new_version_in_check_mode_first(story: Story) -> None:
    story.write_manifests("a new version")
    new: Variables = {"prove_tag": "1.0.2"}
    planned = story.play("--check", **new)
    assert [name.rpartition(" : ")[2] for name in planned.changed] != []
    done = story.play(**new)
    assert [name for name in planned.changed if name not in done.changed] == []
    assert "a new version" in story.evidence()
    assert story.play("--check", **new).changed == []
    assert story.play(**new).changed == []


def test_a_cluster_that_is_half_there(story: Story) -> None:
    """Its node is stopped, and its registry and its git server are gone with all that was in them."""
    new: Variables = {"prove_tag": "1.0.2"}
    docker("stop", "--time", "5", story.cluster.plane)
    docker("rm", "--force", "--volumes", story.cluster.registry, story.git)
    story.play(**new)
    assert "a new version" in story.evidence()
    eventually(lambda: story.play(**new).changed == [])


def test_absent(story: Story) -> None:
    """Last: it takes everything away, also where nobody says what it was called."""
    predicted = story.play("--check", prove_state="absent")
    assert story.left() != []
    given: Variables = {"prove_cluster": "", "prove_git_name": "", "prove_state": "absent"}
    done = story.play(**given)
    assert [name for name in predicted.changed if name not in done.changed] == []
    assert story.left() == []
    assert not story.home.exists()
    assert story.play(**given).changed == []
    shutil.rmtree(story.directory / APP)
