# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play says in module_defaults holds inside each role, and what a role is told comes before it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from support.documented import module_options
from support.playbook import ROOT
from support.role_cases import ROLES, Files, cases_of, files_in, modules_of
from support.twin import HEAD, Twin
from support.use_cases import first

KUBECONFIG = "/the/play/kubeconfig"
CLUSTER = set(yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["cluster"])


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    return Twin(tmp_path)


def play(role: str, runs: t.Iterable[dict[str, t.Any]], defaults: t.Mapping[str, t.Any]) -> str:
    """One play that runs the role several times under such module_defaults."""
    tasks = [{"ansible.builtin.include_role": {"name": f"proven.gitops.{role}"}, "vars": given} for given in runs]
    (head,) = yaml.safe_load(HEAD)
    return yaml.safe_dump([{**head, "module_defaults": dict(defaults), "tasks": tasks}])


@pytest.fixture
def files(tmp_path: Path) -> t.Iterator[Files]:
    with files_in(tmp_path) as found:
        yield found


def everything(role: str, files: Files) -> list[dict[str, t.Any]]:
    """All runs of a role."""
    cases = cases_of(role, files).values()
    return [{name: value for name, value in given.items() if value is not None} for given in cases]


@pytest.mark.parametrize("role", ROLES)
def test_they_reach_each_module(twin: Twin, files: Files, role: str) -> None:
    modules = modules_of(role)
    defaults: dict[str, t.Any] = {"group/proven.gitops.all": {"of_the_group": "canary"}}
    defaults |= {f"proven.gitops.{module}": {"of_the_module": f"{module} canary"} for module in modules}
    ran = twin.play(play(role, everything(role, files), defaults), {})
    assert ran.code == 0, ran.output
    assert {call.module for call in twin.calls} == modules
    for call in twin.calls:
        assert call.options.get("of_the_group") == "canary", call
        assert call.options.get("of_the_module") == f"{call.module} canary", call


@pytest.mark.parametrize("role", [role for role in ROLES if modules_of(role) & CLUSTER])
@pytest.mark.parametrize("told", first([False, True], False), ids=["the play says it", "the role is told"])
def test_no_other_cluster_is_written_to(twin: Twin, files: Files, role: str, told: bool) -> None:
    mine: dict[str, str] = {f"{role}_kubeconfig": "/the/role", f"{role}_context": "role"} if told else {}
    defaults = {
        "group/proven.gitops.cluster": {"kubeconfig": KUBECONFIG, "context": "play"},
        "proven.gitops.flux_reconcile": {"kubeconfig": KUBECONFIG},
    }
    ran = twin.play(play(role, [{**given, **mine} for given in everything(role, files)], defaults), {})
    assert ran.code == 0, ran.output
    asked = [call for call in twin.calls if call.module in CLUSTER and call.options.get("target") != "none"]
    assert asked
    expected = ("/the/role", "role") if told else (KUBECONFIG, "play")
    for call in asked:
        assert (call.options["kubeconfig"], call.options["context"]) == expected, call


def test_what_the_role_is_told_comes_first(twin: Twin, files: Files) -> None:
    (given, *_more) = everything("publish", files)
    login = {"publish_username": "role", "publish_password": "secret", "publish_insecure": False}
    defaults: dict[str, t.Any] = {
        "group/proven.gitops.registry": {"username": "play", "insecure": True, "retries": 7, "concurrency": 9},
        "proven.gitops.oci_tag": {"username": "module"},
    }
    ran = twin.play(play("publish", [{**given, **login}], defaults), {})
    assert ran.code == 0, ran.output
    for call in twin.calls:
        options = [call.options[name] for name in ("username", "password", "insecure", "retries", "concurrency")]
        assert options == ["role", "secret", False, 7, 9]


def test_elsewhere_an_omitted_option_stays_omitted(twin: Twin) -> None:
    """A play may take a default away from one of its own tasks, such as a login that is not for this registry."""
    text = (
        HEAD
        + """
  module_defaults:
    group/proven.gitops.registry: {username: canary, retries: 7}
  tasks:
    - proven.gitops.oci_push:
        reference: oci://elsewhere.test/app
        username: "{{ omit }}"
"""
    )
    ran = twin.play(text, {})
    assert ran.code == 0, ran.output
    assert twin.options("oci_push") == [{"reference": "oci://elsewhere.test/app", "retries": 7}]


def test_readmes_own_play_under_the_groups(twin: Twin, tmp_path: Path) -> None:
    """With a login for the registry, one for git and a cluster: each module gets what it knows, and nothing else."""
    text = (ROOT / "README.md").read_text()
    (block,) = [one for one in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "hosts:" in one]
    (shown,) = yaml.safe_load(block)
    for key, option, value in (
        ("registry", "docker_config", "dc.json"),
        ("git", "username", "git"),
        ("cluster", "kubeconfig", KUBECONFIG),
    ):
        shown.setdefault("module_defaults", {})[f"group/proven.gitops.{key}"] = {option: value}
    given = {"commit": "c" * 40, "vault_cosign_password": "p", "vault_github_token": "t"}
    ran = twin.play(yaml.safe_dump([shown]), given)
    assert ran.code == 0, ran.output
    called = {call.module: call.options for call in twin.calls}
    assert called["oci_push"]["docker_config"] == called["cosign_verify"]["docker_config"] == "dc.json"
    assert called["git_publish"]["username"] == "git"
    assert called["flux_oci_source"]["kubeconfig"] == KUBECONFIG
    for module, options in called.items():
        assert set(options) <= module_options(module), module


def test_roles_set_no_defaults_of_their_own() -> None:
    """They would replace the play's."""
    for path in sorted((ROOT / "roles").rglob("*.yml")):
        assert "module_defaults" not in path.read_text(), path
