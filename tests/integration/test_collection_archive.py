# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-galaxy collection build` puts into the archive that users install."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from support.playbook import ROOT

PARTS = {"plugins", "roles", "playbooks", "examples", "meta", "docs"}
OURS_ALONE = {"extensions", "build", ".ci", ".git", ".github"}  # they need the checkout around them


def test_what_users_get(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("ansible-galaxy")
    command = [str(program), "collection", "build", "--output-path", str(tmp_path), str(ROOT)]
    subprocess.run(command, capture_output=True, check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        tops = {name.partition("/")[0] for name in opened.getnames()}
    assert tops >= PARTS
    assert not tops & OURS_ALONE
