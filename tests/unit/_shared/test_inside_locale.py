# SPDX-License-Identifier: GPL-3.0-or-later
"""Names are UTF-8 on the disk, whatever characters the locale has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ansible_collections.proven.gitops.plugins.module_utils._shared.inside as inside_module

ROOT = "\u017elu\u0165"
NAME = "d\u00e9/\u65e5\u672c/\U0001f600.yaml"
CODE = f"""
import locale, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.proven.gitops.plugins.module_utils._shared import inside
from ansible_collections.proven.gitops.plugins.module_utils._shared.files import on_disk
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree
root, name = on_disk(sys.argv[2] + "/" + {ROOT!a}), {NAME!a}
assert not inside.exists(root, name) and inside.digest_of(root, name) is None
inside.write(root, name, [b"x"], new=True)
assert inside.exists(root, name) and inside.digest_of(root, name)
inside.write(root, name, [b"x"], new=False)
print(sys.getfilesystemencoding(), [entry.name for entry in Tree(root, Ignore()).entries()][-1] == name)
"""


@pytest.mark.fault("A13")
@pytest.mark.parametrize(
    ("locale", "encoding"), [("C", "ascii"), ("xx_XX.ISO-8859-1", "iso8859-1"), ("C.UTF-8", "utf-8")]
)
def test_names_beyond_the_locale(tmp_path: Path, locale: str, encoding: str) -> None:
    if encoding == "iso8859-1":
        subprocess.run(
            ["localedef", "-i", "POSIX", "-f", "ISO-8859-1", "--no-archive", str(tmp_path / locale)],
            check=False,
            capture_output=True,
        )
    collections = str(Path(inside_module.__file__).parents[6])
    done = subprocess.run(
        [sys.executable, "-c", CODE, collections, str(tmp_path)],
        env={"LC_ALL": locale, "LOCPATH": str(tmp_path), "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stderr == ""
    used, same = done.stdout.split()
    assert used in (encoding, "ascii")  # where localedef is missing
    assert same == "True"
    assert b"\xf0\x9f\x98\x80.yaml" in [os.path.basename(path) for path in map(os.fsencode, tmp_path.rglob("*.yaml"))]
