# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout as `ansible_collections.proven.gitops`, and modules run in this process."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import io
import json
import os
import ssl
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS = ROOT / "build" / "collections"

_link = COLLECTIONS / "ansible_collections" / "proven" / "gitops"
if not _link.exists():
    _link.parent.mkdir(parents=True, exist_ok=True)
    _link.symlink_to(os.path.relpath(ROOT, _link.parent))
# Byte code is kept, but not beside the source. Only for this process: those that it starts find that of the installed
# packages where pip has put it.
sys.dont_write_bytecode, sys.pycache_prefix = False, str(ROOT / "build" / "cache" / "pyc")
sys.path.insert(0, str(COLLECTIONS))
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / "build" / "cache" / "hypothesis"))

pytest_plugins = ["skips", "fault_book", "fuzzing", "versions"]

_PERSONAL: tuple[str, ...] = (
    "COSIGN_",
    "PROVEN_",
    "DOCKER_",
    "REGISTRY_AUTH",
    "XDG_",
    "GIT_",
    "K8S_AUTH",
    "KUBECONFIG",
)
_PERSONAL += ("VAULT_", "BAO_", "TRANSIT_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "SOFTHSM2_")  # of key stores

_scrypt = functools.cache(hashlib.scrypt)
_verify_paths = ssl.SSLContext.set_default_verify_paths

Result = dict[str, t.Any]


class RunModule(t.Protocol):
    """`run_module("oci_push", reference=…, check=True)` gives the module's result, `failed` where it failed."""

    def __call__(self, name: str, /, *, check: bool = False, diff: bool = True, **options: t.Any) -> Result: ...


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch) -> RunModule:
    """A module's own main(), in this process: the same argument parsing and result as in a task, without the fork."""
    from ansible.module_utils.testing import patch_module_args

    def run(name: str, /, *, check: bool = False, diff: bool = True, **options: t.Any) -> Result:
        module = importlib.import_module(f"ansible_collections.proven.gitops.plugins.modules.{name}")
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
        output = io.StringIO()
        with patch_module_args(arguments), contextlib.redirect_stdout(output), pytest.raises(SystemExit):
            module.main()
        return t.cast(Result, json.loads(output.getvalue()))

    return run


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads the developer's credentials, keys or proxies."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(_PERSONAL) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def remembered_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What scrypt makes of a passphrase and salt is found out once in a process: it takes a quarter of a second."""
    monkeypatch.setattr(hashlib, "scrypt", _scrypt)


@pytest.fixture(autouse=True)
def no_public_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's certificates are read only where a test names some: they vouch for no server of ours."""

    def read(context: ssl.SSLContext) -> None:
        if {"SSL_CERT_FILE", "SSL_CERT_DIR"} & set(os.environ):
            _verify_paths(context)

    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", read)
