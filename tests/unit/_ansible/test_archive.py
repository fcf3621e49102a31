# SPDX-License-Identifier: GPL-3.0-or-later
"""The importer of the archive that a module arrives in: each file compiled once, and all else as Python has it."""

from __future__ import annotations

import subprocess
import sys
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils import _ansible
from ansible_collections.proven.gitops.plugins.module_utils._ansible import archive

NAME = "ansible_collections.proven.gitops.plugins.module_utils._ansible"

# What Python compiles and what modules are called, as a process sees it that starts from the archive.
SCRIPT = """
import collections, importlib, sys
compiled = collections.Counter()
sys.addaudithook(lambda event, args: compiled.update([args[1]]) if event == "compile" and args[1] else None)
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name, "missing", error.name)
    else:
        print(name, compiled[module.__file__], module.__file__, module.__spec__.origin, module.__package__)
"""


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """An archive as Ansible makes them, with our package in it and one more."""
    target = tmp_path / "module.zip"
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_DEFLATED) as file:
        for depth in range(1, NAME.count(".") + 1):
            file.writestr("/".join([*NAME.split(".")[:depth], "__init__.py"]), "")
        for source in ("__init__", "archive"):
            content = Path(archive.__file__).with_name(f"{source}.py").read_bytes()
            file.writestr(f"{NAME.replace('.', '/')}/{source}.py", content)
        file.writestr("other/__init__.py", "")
        file.writestr("other/inner.py", "")
    return target


def imported(sent: Path, *names: str, script: str = SCRIPT) -> dict[str, list[str]]:
    """What the script says of each module: how often it was compiled, then its names."""
    command = [sys.executable, "-I", "-c", script, str(sent), *names]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}


def test_python_itself_compiles_twice(sent: Path) -> None:
    """Once this fails, the importer has had its day."""
    assert imported(sent, "other.inner")["other.inner"][0] == "2"


def test_compiled_once_after_the_first_import_of_ours(sent: Path) -> None:
    found = imported(sent, NAME, "other", "other.inner", "other.missing")
    assert found["other"] == ["1", f"{sent}/other/__init__.py", f"{sent}/other/__init__.py", "other"]
    assert found["other.inner"] == ["1", f"{sent}/other/inner.py", f"{sent}/other/inner.py", "other"]
    assert found["other.missing"] == ["missing", "other.missing"]


def test_the_same_names_as_python_gives(sent: Path) -> None:
    names = ("other", "other.inner")
    ours, pythons = imported(sent, NAME, *names), imported(sent, *names)
    assert [ours[name][1:] for name in names] == [pythons[name][1:] for name in names]


def test_another_archive_is_not_touched(sent: Path, tmp_path: Path) -> None:
    """Not even one whose path begins with the same letters."""
    second = Path(f"{sent}.d")
    with zipfile.ZipFile(second, "w") as file:
        file.writestr("elsewhere.py", "")
    script = SCRIPT.replace("sys.path.insert(0, sys.argv[1])", f"sys.path[:0] = [sys.argv[1], {str(second)!r}]")
    assert imported(sent, NAME, "elsewhere", script=script)["elsewhere"][0] == "2"


def test_nothing_is_changed_where_there_is_no_archive() -> None:
    before: tuple[list[t.Any], dict[str, t.Any]] = (list(sys.path_hooks), dict(sys.path_importer_cache))
    archive.compile_once(_ansible.__spec__.loader)
    archive.compile_once(None)
    assert (list(sys.path_hooks), dict(sys.path_importer_cache)) == before
