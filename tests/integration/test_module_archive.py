# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that ansible-core really sends: how often Python compiles what is in it."""

from __future__ import annotations

import collections
import json
from pathlib import Path

import pytest
from support import playbook
from support.progress_play import VARIABLES

OURS = "ansible_collections/proven/gitops/plugins/"
# What imports itself first, before it can change anything: Python has these compiled as often as it likes.
BEFORE = {f"{path}__init__.py" for path in ("", "module_utils/", "module_utils/_ansible/")}
BEFORE |= {"module_utils/_ansible/archive.py"}

# Python imports it in each process that has it on PYTHONPATH.
RECORDER = """
import os, sys


def note(event, args):
    if event == "compile" and args[1] and ".zip/" in os.fsdecode(args[1]):
        os.write(sink, os.fsencode(args[1]) + b"\\n")


sink = os.open(os.environ["RECORD_COMPILED"], os.O_WRONLY | os.O_APPEND)
sys.addaudithook(note)
"""


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_each_file_is_compiled_once(tmp_path: Path, pipelining: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(RECORDER)
    record = tmp_path / "compiled"
    record.touch()
    options = {"path": str(tmp_path / "cosign.key"), "passphrase": "secret"}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"proven.gitops.cosign_keypair": options}]}
    path = tmp_path / "play.yml"
    path.write_text(json.dumps([play]))
    around = {"PYTHONPATH": str(tmp_path), "RECORD_COMPILED": str(record), "ANSIBLE_PIPELINING": pipelining}
    done = playbook.run(path, VARIABLES, "--check", **around)
    assert done.code == 0, done.output
    compiled = collections.Counter(
        line.partition(OURS)[2] for line in record.read_text().splitlines() if OURS in line and "/modules/" not in line
    )
    assert "module_utils/_cosign/signing_key.py" in compiled
    assert {name: times for name, times in compiled.items() if times != 1 and name not in BEFORE} == {}
