# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's options to registries: what is refused before anything is sent, and what is masked."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from support.wire_client import Authority

from ansible_collections.proven.gitops.plugins.doc_fragments._registry import ModuleDocFragment
from ansible_collections.proven.gitops.plugins.module_utils._ansible.registry_options import REGISTRY, build, registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption


def found(params: dict[str, t.Any]) -> Credentials:
    return build(params, lambda secret: None).get("r.example").session.auth.credentials("a")


def module(**options: t.Any) -> t.Any:
    with patch_module_args(options):
        return REGISTRY.create_module()


def test_the_defaults_are_those_of_the_settings() -> None:
    settings = registries(module()).settings
    assert settings == build({}, lambda secret: None).settings
    assert (settings.insecure, settings.timeout, settings.deadline, settings.retries) == (None, 30, 300, 3)


def test_every_option_has_its_variable(monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("client.test")
    (tmp_path / "config.json").write_text("{}")
    values: dict[str, t.Any] = {
        "username": "u",
        "password": "canary-password",
        "docker_config": str(tmp_path),
        "ca_path": authority.ca_path,
        "client_cert": certificate,
        "client_key": key,
        "insecure": True,
        "timeout": 1,
        "deadline": 2,
        "retries": 0,
        "concurrency": 5,
    }
    assert set(values) | {"identity_token"} == set(REGISTRY.options)
    for name, value in values.items():
        monkeypatch.setenv(f"PROVEN_REGISTRY_{name.upper()}", str(value))
    task = module()
    settings = registries(task).settings
    for name, value in values.items():
        if name not in ("username", "password", "docker_config"):
            assert getattr(settings, name) == value
    assert "canary-password" in task.no_log_values


def test_the_documentation_says_the_same() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert set(documented) == set(REGISTRY.options)
    for name, option in REGISTRY.options.items():
        assert documented[name]["type"] == option["type"]
        assert documented[name].get("default") == option.get("default")
        (variable,) = option["fallback"][1]
        assert f"E({variable})" in " ".join(documented[name]["description"])


def test_secrets_are_secret() -> None:
    for name, option in REGISTRY.options.items():
        assert option.get("no_log", False) is (name in ("password", "identity_token"))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"username": "u", "password": "p"}, Credentials("u", "p", source="option username")),
        ({"identity_token": "t"}, Credentials(identity_token="t", source="option identity_token")),
        ({"username": "u", "identity_token": "t"}, Credentials(identity_token="t", source="option identity_token")),
        ({"username": "", "password": "", "identity_token": ""}, None),
    ],
)
def test_credentials(params: dict[str, str], expected: Credentials | None) -> None:
    credentials = found({**params, "docker_config": "/dev/null"})
    assert credentials == expected if expected else credentials.anonymous


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        (
            {"username": "u", "identity_token": None},
            "username: a password or an identity_token belongs to it, and neither is given",
        ),
        ({"password": "canary"}, "password: a username belongs to it, and none is given"),
        ({"username": "u:v", "password": "canary"}, "username: it must not hold a colon"),
        ({"username": "u", "password": "canary", "identity_token": "t"}, "identity_token: it stands in the place"),
        ({"docker_config": "/nonexistent"}, "docker_config: /nonexistent does not exist"),
        ({"ca_path": "/nonexistent"}, "ca_path: /nonexistent does not exist"),
        ({"client_cert": "/nonexistent"}, "client_cert: /nonexistent does not exist"),
        ({"client_cert": "/dev/null"}, "client_cert: /dev/null: not a usable PEM file"),
        ({"ca_path": "/dev/null"}, "ca_path: /dev/null: not a usable PEM file"),
        ({"client_key": "/dev/null"}, "client_key: a client_cert belongs to it, and none is given"),
        ({"timeout": 0}, "timeout: 0 is not between 1 and 3600"),
        ({"deadline": -1}, "deadline: -1 is not between 1 and 86400"),
        ({"retries": 21}, "retries: 21 is not between 0 and 20"),
        ({"concurrency": 0}, "concurrency: 0 is not between 1 and 32"),
    ],
)
def test_what_cannot_be_used_is_named(params: dict[str, t.Any], reason: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        build(params, lambda secret: None)
    assert caught.value.message.startswith(reason)
    assert "canary" not in caught.value.message


def test_a_key_with_a_passphrase_does_not_ask_for_it(tmp_path: Path, authority: Authority) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, _key = authority.issue("client.test")
    encrypted = authority.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (tmp_path / "key").write_bytes(encrypted)
    with pytest.raises(InvalidOption, match=r"^client_cert: "):
        build({"client_cert": certificate, "client_key": str(tmp_path / "key")}, lambda secret: None)


IMPORT = """
import json, sys
sys.modules["urllib3"] = None
from ansible_collections.proven.gitops.plugins.module_utils._shared import requirements
from ansible_collections.proven.gitops.plugins.module_utils._ansible.registry_options import REGISTRY
try:
    requirements.check()
except requirements.MissingRequirement as error:
    print(json.dumps([error.details["packages"], len(REGISTRY.options)]))
"""


def test_without_urllib3_it_is_still_imported_and_said() -> None:
    environ = {"PYTHONPATH": ":".join(sys.path)}
    output = subprocess.run([sys.executable, "-c", IMPORT], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(output.stdout) == [["urllib3>=2.6"], len(REGISTRY.options)]


def test_neither_requests_nor_oras_is_imported() -> None:
    """They would triple the time that a task takes to start (facts: 0.3 s and 0.5 s)."""
    script = "import sys\nfrom ansible_collections.proven.gitops.plugins.module_utils._registry import referrers\n"
    script += "print(*sys.modules)"
    environ = {"PYTHONPATH": ":".join(sys.path)}
    output = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert not {"requests", "oras", "cryptography", "ansible"} & set(output.stdout.split())
