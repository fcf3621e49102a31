# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded imports of third-party packages.

A module must be importable where a package is missing (to print its documentation, and for the import sanity test),
and must then say which one, by its name on PyPI.

    with third_party():
        import nacl.secret

Or, where that would take long and is seldom needed: `expect("nacl")` at first, and the import later.

At the start of a task `_ansible/run.py` calls `check()`, which names all that were not there. A feature that few tasks
ask for has its imports in files that are loaded for it alone, and says `need("sigstore")` before.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import sys
import typing as t

from .environment import own_without_secrets
from .errors import MissingRequirement

if t.TYPE_CHECKING:  # pragma: no cover
    import types

# What pip is to be told for an import name, as in the requirements*.txt that users install. What comes with another
# package is named as that one.
PACKAGES = {
    "azure": "azure-identity>=1.15",
    "boto3": "boto3>=1.34",
    "botocore": "boto3>=1.34",
    "cryptography": "cryptography>=42",
    "google": "google-auth>=2.28",
    "id": "sigstore>=4.5,<5",
    "jsonschema": "jsonschema>=4.18",
    "kubernetes": "kubernetes>=29",
    "nacl": "PyNaCl>=1.5",
    "pkcs11": "python-pkcs11>=0.8",
    "re2": "google-re2>=1.1",
    "rfc3161_client": "sigstore>=4.5,<5",
    "securesystemslib": "sigstore>=4.5,<5",
    "sigstore": "sigstore>=4.5,<5",
    "sigstore_models": "sigstore>=4.5,<5",
    "tuf": "sigstore>=4.5,<5",
    "urllib3": "urllib3>=2.6",
    "yaml": "PyYAML>=6.0",
    "zlib_ng": "zlib-ng==1.1.0",
}

_missing: set[str] = set()


class _Guard:
    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> bool:
        if not isinstance(error, ImportError):
            return False
        name = (error.name or "unknown").partition(".")[0]
        if name == "ansible_collections":  # a fault of ours, never a missing package
            return False
        _missing.add(name)
        return True


def third_party() -> _Guard:
    """A context in which an import of a missing package is noted instead of raised."""
    return _Guard()


def expect(name: str) -> None:
    """Note a package that is missing, without the time that its import takes: it may not be needed in the end."""
    first = name.partition(".")[0]  # which may be there without the rest, where several packages share it
    if importlib.util.find_spec(first) is None or importlib.util.find_spec(name) is None:
        _missing.add(first)


def need(*names: str) -> None:
    """Raise MissingRequirement unless these packages are there: what a task asks for cannot do without them."""
    for name in names:
        expect(name)
    check()
    with own_without_secrets():  # libraries ask as they are loaded, and Python starts `uname -p` for the first who asks
        tuple(platform.uname())


def check() -> None:
    """Raise MissingRequirement, with the command to type, where a guarded import failed."""
    if _missing:
        packages = sorted({PACKAGES.get(name, name) for name in _missing}, key=str.lower)
        python = sys.executable or "python3"
        raise MissingRequirement(message(packages, python), packages, python)


def message(packages: t.Sequence[str], python: str) -> str:
    """One sentence for a person: what is missing where, and how to install all of it."""
    what = f"Python package{'s' if len(packages) > 1 else ''} {', '.join(packages)}"
    return f"{python} on {platform.node()} lacks the {what}. Install with: {_command(packages, python)}"


def _command(packages: t.Sequence[str], python: str) -> str:
    quoted = " ".join(map(shlex.quote, packages))
    pipx = re.search(r"/pipx/venvs/([^/]+)/", python)
    if pipx:
        return f"pipx inject {shlex.quote(pipx[1])} {quoted}"
    if sys.prefix == sys.base_prefix and os.path.exists(_marker()):  # Debian 12 and newer, Fedora, Homebrew
        return (
            f"{shlex.quote(python)} -m venv --system-site-packages ~/gitops-venv && ~/gitops-venv/bin/pip install"
            f" {quoted} (pip refuses to install into the system's Python), and set ansible_python_interpreter to that"
            " venv's bin/python"
        )
    return f"{shlex.quote(python)} -m pip install {quoted}"


def _marker() -> str:
    """The file by which a distribution keeps pip out of its own Python (PEP 668)."""
    import sysconfig  # 3 ms that only a task without its packages pays

    return os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
