# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_oci_source to files: what a work tree gets, and what is refused before it gets anything."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

MODULE = "flux_oci_source"
Options = dict[str, t.Any]
Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    directory = tmp_path / "clusters" / "my-cluster"
    directory.mkdir(parents=True)
    return directory / "app-sync.yaml"


@pytest.fixture
def declare(run_module: Run, dest: Path) -> Run:
    """The module with a name, an address and a file; options add to that."""

    def run(**options: t.Any) -> dict[str, t.Any]:
        given = {"dest": str(dest), "name": "app", "url": "oci://ghcr.io/org/app", **options}
        return run_module(MODULE, **{name: value for name, value in given.items() if value is not None})

    return run


def _kinds(path: Path) -> list[str]:
    return [document["kind"] for document in yaml.safe_load_all(path.read_text())]


def test_check_run_check_run(declare: Run, dest: Path) -> None:
    options: Options = {"secret_ref": "ghcr-auth", "kustomization": {}}
    predicted = declare(**options, check=True)
    assert predicted["changed"]
    assert not dest.exists()
    done = declare(**options)
    assert done["changed"]
    assert {key: done[key] for key in done if key != "invocation"} == {
        key: predicted[key] for key in predicted if key != "invocation"
    }
    assert done["actions"] == [f"write {dest}"]
    assert [one["change"] for one in done["resources"]] == ["created", "created"]
    assert done["target"] == "file"
    assert dest.read_text() == done["content"] == done["diff"][0]["after"]
    assert done["diff"][0]["before"] == ""
    assert list(yaml.safe_load_all(done["content"])) == done["manifests"]
    assert _kinds(dest) == ["OCIRepository", "Kustomization"]
    for check in (True, False):
        again = declare(**options, check=check)
        assert not again["changed"]
        assert again["actions"] == []
        assert again["diff"] == []
        assert [one["change"] for one in again["resources"]] == ["unchanged", "unchanged"]


def test_absent_check_run_check_run(declare: Run, dest: Path) -> None:
    declare(kustomization={})
    gone: Options = {"state": "absent", "url": None}
    predicted = declare(**gone, check=True)
    assert predicted["changed"]
    assert dest.exists()
    done = declare(**gone)
    assert done["changed"]
    assert done["actions"] == [f"remove {dest}"]
    assert (done["content"], done["manifests"]) == ("", [])
    assert [one["change"] for one in done["resources"]] == ["deleted"]
    assert done["diff"][0]["after"] == ""
    assert not dest.exists()
    for check in (True, False):
        again = declare(**gone, check=check)
        assert not again["changed"]
        assert [one["change"] for one in again["resources"]] == ["unchanged"]


def test_a_change_rewrites_the_file_and_shows_it(declare: Run, dest: Path) -> None:
    declare(kustomization={})
    done = declare(kustomization={}, interval="10m")
    assert done["changed"]
    assert done["actions"] == [f"rewrite {dest}"]
    assert [one["change"] for one in done["resources"]] == ["updated", "unchanged"]
    assert "interval: 5m" in done["diff"][0]["before"]
    assert "interval: 10m" in done["diff"][0]["after"]


def test_a_kustomization_that_is_no_longer_declared_leaves_the_file(declare: Run, dest: Path) -> None:
    declare(kustomization={})
    assert declare()["changed"]
    assert _kinds(dest) == ["OCIRepository"]


def test_the_file_is_readable_by_all_and_never_half_written(declare: Run, dest: Path) -> None:
    before = os.umask(0o077)
    try:
        declare()
    finally:
        os.umask(before)
    assert stat.S_IMODE(dest.stat().st_mode) == 0o644
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_another_spelling_of_the_same_objects_stays(declare: Run, dest: Path) -> None:
    declare(kustomization={})
    respelled = "# mine\n" + yaml.safe_dump_all(yaml.safe_load_all(dest.read_text()), explicit_start=True)
    dest.write_text(respelled)
    assert not declare(kustomization={})["changed"]
    assert dest.read_text() == respelled


def test_an_old_version_of_the_source_is_rewritten(declare: Run, dest: Path) -> None:
    declare()
    dest.write_text(dest.read_text().replace("fluxcd.io/v1", "fluxcd.io/v1beta2"))
    done = declare()
    assert done["changed"]
    assert [one["change"] for one in done["resources"]] == ["created"]
    assert "v1beta2" not in dest.read_text()


def test_the_same_bytes_from_another_process_and_locale(declare: Run, dest: Path) -> None:
    """What is written depends on the options alone."""
    done = declare(labels={"b": "yes", "a": "1e3"}, kustomization={"post_build": {"substitute": {"z": "é", "a": "1"}}})
    program = (
        "import sys, yaml\n"
        "from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.manifest_yaml import dump\n"
        "from ansible_collections.proven.gitops.plugins.module_utils._tasks.flux.source import HEADER\n"
        "manifests = list(yaml.safe_load_all(open(sys.argv[1], encoding='utf-8')))\n"
        "sys.stdout.buffer.write(dump(manifests, HEADER).encode())\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", program, str(dest)], env=environment, capture_output=True, check=True
    ).stdout
    assert other.decode() == done["content"]


def test_rendering_alone_writes_nothing(run_module: Run, tmp_path: Path) -> None:
    done = run_module(MODULE, target="none", name="app", url="oci://ghcr.io/org/app", kustomization={})
    assert not done["changed"]
    assert done["target"] == "none"
    assert [one["kind"] for one in done["manifests"]] == ["OCIRepository", "Kustomization"]
    assert list(yaml.safe_load_all(done["content"])) == done["manifests"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_needs_no_kubernetes_package(dest: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['kubernetes'] = sys.modules['urllib3'] = None\n"
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.proven.gitops.plugins.modules import flux_oci_source\n"
        "with patch_module_args({'dest': sys.argv[1], 'name': 'app', 'url': 'oci://ghcr.io/org/app',"
        " '_ansible_remote_tmp': '/tmp'}):\n"
        "    flux_oci_source.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program, str(dest)], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert dest.exists()


def test_a_cluster_needs_it_and_says_so() -> None:
    program = (
        "import sys\n"
        "sys.modules['kubernetes'] = None\n"
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.proven.gitops.plugins.modules import flux_oci_source\n"
        "with patch_module_args({'target': 'cluster', 'name': 'app', 'url': 'oci://ghcr.io/org/app',"
        " '_ansible_remote_tmp': '/tmp'}):\n"
        "    flux_oci_source.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "kubernetes" in done.stdout
    assert "missing_requirement" in done.stdout


def test_loopback_can_be_declared_when_said(declare: Run) -> None:
    done = declare(url="oci://127.0.0.1:5000/app", allow_loopback=True, insecure=True)
    assert done["manifests"][0]["spec"]["url"] == "oci://127.0.0.1:5000/app"
    assert done["findings"] == []


def test_what_is_not_verified_is_warned_about(declare: Run) -> None:
    done = declare(unverified=True)
    assert "verify" not in done["manifests"][0]["spec"]
    assert [one["rule"] for one in done["findings"]] == ["verify-off"]
    assert any("signed or not" in str(warning) for warning in done["warnings"])


GITHUB = {"issuer": "https://token.actions.githubusercontent.com", "subject": "https://github.com/org"}
REFUSED: list[tuple[Options, str, str]] = [
    ({"url": "oci://ghcr.io/org/app:v1"}, "url", "ref.tag"),
    ({"url": "oci://localhost:5000/app"}, "url", "allow_loopback"),
    ({"name": "App"}, "name", "lower-case"),
    ({"verify": {"match_oidc_identity": [GITHUB]}}, "verify.match_oidc_identity[0].issuer", "begin with ^"),
    ({"verify": {"match_oidc_identity": []}}, "verify.match_oidc_identity", "anybody"),
    ({"verify": {"secret_ref": "k"}, "unverified": True}, "unverified", "one of the two"),
    ({"labels": {"a": 1}}, "labels", "quotes"),
    ({"flux_version": "2.1"}, "flux_version", "quotes"),
    ({"flux_version": "2.5"}, "flux_version", "needs Flux 2.6"),
    ({"kustomization": {"path": "../x"}}, "kustomization.path", "inside"),
    ({"target": "none"}, "dest", "target=none"),
    ({"target": "cluster"}, "dest", "target=cluster"),
    ({"state": "absent", "name": "../x"}, "name", "lower-case"),
]


@pytest.mark.parametrize(("options", "option", "reason"), REFUSED)
def test_refuses_bad_input_before_it_writes(
    declare: Run, dest: Path, options: Options, option: str, reason: str
) -> None:
    refused = declare(**options)
    assert refused["failed"]
    assert refused["msg"].startswith(f"{option}: ")
    assert reason in refused["msg"]
    assert refused["failure"]["code"] == "invalid_option"
    assert list(dest.parent.iterdir()) == []


def test_all_errors_are_told_at_once(declare: Run) -> None:
    refused = declare(name="App", interval="x", ref={"tag": "latest"})
    assert "interval: " in refused["msg"]
    assert "name: " in refused["msg"]
    assert [one["severity"] for one in refused["failure"]["details"]["findings"]] == ["error", "error", "warning"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"dest": None}, "one of the following is required: dest, target"),
        ({"url": None}, "url"),
        ({"dest": None, "target": "file"}, "dest"),
        ({"verify": {"match_oidc_identity": [{"issuer": "^x$"}]}}, "subject"),
        ({"verify": {"provider": "gpg"}}, "provider"),
    ],
)
def test_ansible_itself_refuses_incomplete_options(declare: Run, options: Options, reason: str) -> None:
    refused = declare(**options)
    assert refused["failed"]
    assert reason in refused["msg"]


def test_nothing_can_be_removed_from_nowhere(run_module: Run) -> None:
    refused = run_module(MODULE, target="none", state="absent", name="app")
    assert refused["failed"]
    assert refused["msg"].startswith("target: ")


BOOTSTRAP = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [gotk-sync.yaml]\n"
OTHERS = [
    (BOOTSTRAP, "Kustomization"),
    ("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n", "Secret s"),
    (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: another}\n",
        "OCIRepository another",
    ),
    ("not: [yaml", "left as it is"),
    ("- a\n", "left as it is"),
    ("apiVersion: v1\nkind: Secret\nmetadata: broken\n", "Secret"),
    ("# x\n" + "#" * 2**20, "too large"),
]


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(("text", "reason"), OTHERS)
def test_a_file_of_others_is_left_alone(declare: Run, dest: Path, text: str, reason: str, state: str) -> None:
    dest.write_text(text)
    refused = declare(state=state)
    assert refused["failed"]
    assert refused["msg"].startswith("dest: ")
    assert reason in refused["msg"]
    assert dest.read_text() == text


def test_a_file_that_is_no_text_is_left_alone(declare: Run, dest: Path) -> None:
    dest.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in declare()["msg"]


def test_a_directory_or_a_link_is_no_file(declare: Run, dest: Path, tmp_path: Path) -> None:
    dest.mkdir()
    assert "is a directory, a link or a device" in declare()["msg"]
    dest.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    dest.symlink_to(elsewhere)
    assert "is a directory, a link or a device" in declare()["msg"]
    assert elsewhere.read_text() == ""


def test_a_directory_that_is_missing_is_not_made(declare: Run, tmp_path: Path) -> None:
    refused = declare(dest=str(tmp_path / "typo" / "app.yaml"))
    assert "the directory" in refused["msg"]
    assert not (tmp_path / "typo").exists()


def test_a_part_of_the_path_that_is_a_file(declare: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert declare(dest=str(tmp_path / "file" / "app.yaml"))["msg"].startswith("dest: ")


def test_a_disk_that_takes_nothing(declare: Run, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of before stays whole."""
    declare()
    text = dest.read_text()

    def full(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    refused = declare(interval="10m")
    assert refused["failure"]["code"] == "unwritable_file"
    assert "No space left" in refused["msg"]
    assert dest.read_text() == text
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_a_file_that_cannot_be_removed(declare: Run, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare()

    def stays(*_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", stays)
    refused = declare(state="absent")
    assert refused["failure"]["code"] == "unwritable_file"
    assert "Permission denied" in refused["msg"]
