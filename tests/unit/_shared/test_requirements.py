# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said where Python packages are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared import requirements
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import MissingRequirement


@pytest.fixture(autouse=True)
def _nothing_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_missing", set())


def test_nothing_is_said_where_nothing_is_missing() -> None:
    with requirements.third_party():
        import json  # noqa: F401  # pylint: disable=unused-import
    requirements.expect("json")
    requirements.check()


def test_all_packages_are_named_at_once_with_the_interpreter_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("zlib_ng", "nacl", "nowhere"):
        monkeypatch.setitem(sys.modules, name, None)
        with requirements.third_party():
            __import__(name)
    with pytest.raises(MissingRequirement) as caught:
        requirements.check()
    assert caught.value.details == {
        "packages": ["nowhere", "PyNaCl>=1.5", "zlib-ng==1.1.0"],
        "python": sys.executable,
    }
    assert "lacks the Python packages nowhere, PyNaCl>=1.5, zlib-ng==1.1.0. Install with: " in caught.value.message
    assert caught.value.message.startswith(sys.executable)
    assert "install nowhere 'PyNaCl>=1.5' zlib-ng==1.1.0" in caught.value.message


def test_a_fault_of_ours_is_no_missing_package() -> None:
    with pytest.raises(ImportError), requirements.third_party():
        raise ImportError("no such name", name="ansible_collections.proven.gitops.x")


@pytest.mark.parametrize(
    ("python", "prefix", "managed", "command"),
    [
        ("/home/ann/my venv/bin/python", "/home/ann/my venv", False, "'/home/ann/my venv/bin/python' -m pip install a"),
        ("/home/ann/.local/pipx/venvs/ansible-core/bin/python", "/home/ann/x", True, "pipx inject ansible-core a"),
        ("/usr/bin/python3", sys.base_prefix, False, "/usr/bin/python3 -m pip install a"),
        ("/usr/bin/python3", sys.base_prefix, True, "~/gitops-venv/bin/pip install a (pip refuses"),
    ],
)
def test_the_command_fits_the_interpreter(
    python: str, prefix: str, managed: bool, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "EXTERNALLY-MANAGED"
    if managed:
        marker.touch()
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(requirements, "_marker", lambda: str(marker))
    assert command in requirements.message(["a"], python)


def test_what_a_library_starts_as_it_is_loaded_gets_no_secrets(tmp_path: Path) -> None:
    """azure-identity, which securesystemslib loads where it is installed, asks for the platform."""
    uname, said = tmp_path / "uname", tmp_path / "said"
    uname.write_text(f"#!/bin/sh\nenv >>'{said}'\n")
    uname.chmod(0o755)
    code = (
        f"import platform; from {requirements.__name__} import need; need('cryptography'); platform.platform();"
        " import os; print(os.environ['VAULT_TOKEN'])"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "VAULT_TOKEN": "canary", "OTHER": "kept"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "canary\n"
    assert "OTHER=kept" in said.read_text()
    assert "canary" not in said.read_text()
