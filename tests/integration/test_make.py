# SPDX-License-Identifier: GPL-3.0-or-later
"""`make quickstart` and `make clean` in a checkout whose path has a blank, and with what a hostile caller gives.

A quote in that path is more than Ansible itself can take: it hands its temporary directory to a shell as it is.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from support.playbook import ROOT

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="an installed collection has no .ci"),
    pytest.mark.timeout(600),  # whole plays, one after the other
]
NEEDED = (".ci", "Makefile", "examples", "galaxy.yml", "meta", "playbooks", "plugins", "roles")


@pytest.fixture
def checkout(tmp_path: Path) -> t.Iterator[Path]:
    """A copy, with the virtual environment that runs this test."""
    copy = tmp_path / "a b"
    copy.mkdir()
    for name in (*NEEDED, *(path.name for path in ROOT.glob("requirements*.txt"))):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    (copy / "build").mkdir()
    environment = Path(sys.prefix)
    (copy / "build" / environment.name).symlink_to(environment)
    yield copy
    if (copy / "build" / "quickstart").exists():
        make(copy, "clean")


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    _venv, _version, core = Path(sys.prefix).name.split("-")
    given = (f"PYTHON={Path(sys.executable).resolve()}", f"ANSIBLE_CORE={core}")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MAKE"))}
    command = ["make", *arguments, *given]
    return subprocess.run(command, cwd=checkout, env=own, capture_output=True, text=True, check=False)


def test_from_nothing_and_away(checkout: Path) -> None:
    nothing = make(checkout, "clean")
    assert nothing.returncode == 0, nothing.stdout + nothing.stderr
    (checkout / "build").mkdir()
    (checkout / "build" / Path(sys.prefix).name).symlink_to(sys.prefix)

    mine = checkout / "my 'app'"
    mine.mkdir()
    (mine / "a.yaml").write_text("kind: A\n")
    made = make(checkout, "quickstart", "MANIFESTS=./my 'app'", "TAG=1.0.1", "KUSTOMIZE=./overlays/prod")
    assert made.returncode == 0, made.stdout + made.stderr
    shown, again, *_more = made.stdout.partition("type next")[2].splitlines()[2:]
    declared = subprocess.run(shlex.split(shown), capture_output=True, text=True, check=True).stdout
    assert "path: ./overlays/prod" in declared

    second = make(checkout, *shlex.split(again, comments=True)[1:])
    assert second.returncode == 0, second.stdout + second.stderr
    assert "changed=0" in second.stdout

    gone = make(checkout, "clean")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not (checkout / "build").exists()


@pytest.mark.parametrize("tag", ["1.0 1", '1.0","path":"/etc', "{{ lookup('pipe', 'touch pwned') }}"])
def test_what_is_no_tag(checkout: Path, tag: str) -> None:
    refused = make(checkout, "quickstart", f"TAG={tag}")
    assert refused.returncode != 0
    assert "quickstart_tag (TAG of make): " in refused.stdout + refused.stderr
    assert not (checkout / "build" / "quickstart").exists()
    assert not list(checkout.rglob("pwned"))
