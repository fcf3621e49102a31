# SPDX-License-Identifier: GPL-3.0-or-later
"""The role flux_secrets on a real kube-apiserver: what is there, what is changed, and what is never seen."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.error
from pathlib import Path

import pytest
from interop.kube_api import KubeApi
from interop.peers import Home
from support.playbook import Ran, run

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.cosign import Keys

PASSWORD = "canary-password"
SECRETS = "/api/v1/namespaces/flux-system/secrets"
PLAY = """---
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  roles:
    - role: proven.gitops.flux_secrets
"""

Object = dict[str, t.Any]


@pytest.fixture(scope="module")
def api(server: KubeApi) -> KubeApi:
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "flux-system"}})
    return server


@pytest.fixture
def variables(api: KubeApi, keys: Keys) -> Object:
    return {
        "flux_secrets_kubeconfig": api.kubeconfig(),
        "flux_secrets_public_keys": [{"path": str(keys.public)}],
        "flux_secrets_registry": "registry.example:5000",
    }


def play(tmp_path: Path, variables: Object, *arguments: str, **environment: str) -> Ran:
    (tmp_path / "play.yml").write_text(PLAY)
    return run(tmp_path / "play.yml", variables, *arguments, **environment)


def _found(api: KubeApi, name: str) -> Object | None:
    try:
        return t.cast("Object", api.call("GET", f"{SECRETS}/{name}"))
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def test_check_run_check_run_and_away(api: KubeApi, variables: Object, keys: Keys, tmp_path: Path) -> None:
    # The password comes from the environment, as an AWX credential gives it, and everything is as loud as it gets.
    environment = {"PROVEN_REGISTRY_USERNAME": "me", "PROVEN_REGISTRY_PASSWORD": PASSWORD}
    predicted = play(tmp_path, variables, "--check", "--diff", "-vvv", **environment)
    assert predicted.code == 0, predicted.output
    assert len(predicted.changed) == 2
    assert _found(api, "cosign-pub") is None
    done = play(tmp_path, variables, "--diff", "-vvv", **environment)
    assert done.code == 0, done.output
    assert done.changed == predicted.changed
    found = _found(api, "cosign-pub")
    assert found is not None
    assert found["data"] == {keys.public.name: base64.b64encode(keys.public.read_bytes()).decode()}
    found = _found(api, "ghcr-auth")
    assert found is not None
    auths = json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))["auths"]
    assert auths["registry.example:5000"]["password"] == PASSWORD
    again = [play(tmp_path, variables, *arguments, "-vvv", **environment) for arguments in (("--check",), ())]
    assert [(ran.code, ran.changed) for ran in again] == [(0, [])] * 2
    for ran in (predicted, done, *again):
        for text in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), auths["registry.example:5000"]["auth"]):
            assert text not in ran.output
            assert text not in json.dumps(ran.results)
    gone = {"flux_secrets_state": "absent", "flux_secrets_kubeconfig": api.kubeconfig()}
    for arguments, changed in ((("--check",), 2), ((), 2), (("--check",), 0), ((), 0)):
        ran = play(tmp_path, gone, *arguments)
        assert (ran.code, len(ran.changed)) == (0, changed), ran.output
    assert _found(api, "ghcr-auth") is None


def test_a_private_key_gets_nowhere(api: KubeApi, variables: Object, keys: Keys, tmp_path: Path) -> None:
    private = keys.private.read_text()
    refused = play(tmp_path, {**variables, "flux_secrets_public_keys": [{"content": private}]}, "-vvv")
    assert refused.code != 0
    assert "a private key, where the public key" in refused.output
    assert _found(api, "cosign-pub") is None
    assert not [line for line in private.splitlines() if "-----" not in line and line in json.dumps(refused.results)]


def test_what_docker_login_left(api: KubeApi, variables: Object, home: Home, tmp_path: Path) -> None:
    home.login("127.0.0.1:5999", "from-docker", PASSWORD)
    given = {
        **variables,
        "flux_secrets_credentials_from": "127.0.0.1:5999",
        "flux_secrets_registry_name": "docker-auth",
    }
    done = play(tmp_path, given, "-vvv")
    assert done.code == 0, done.output
    found = _found(api, "docker-auth")
    assert found is not None
    [(server, login)] = json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))["auths"].items()
    assert (server, login["username"], login["password"]) == ("registry.example:5000", "from-docker", PASSWORD)
    assert PASSWORD not in done.output
