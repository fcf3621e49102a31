# SPDX-License-Identifier: GPL-3.0-or-later
"""A module in a process of its own: to run it beside others, to kill it, and to give it surroundings that are not ours.

running = start("oci_push", reference=…, path=…)
result = finish(running)                # None where it was killed
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "build" / "collections"))

_SECONDS = 120.0
# Ours is kept as well, beside no source: to compile it takes longer than to run it.
_BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "cache" / "pyc")}


def start(
    module: str,
    /,
    *,
    prefix: t.Sequence[str] = (),
    environment: t.Mapping[str, str] | None = None,
    prepare: str = "",
    **options: t.Any,
) -> subprocess.Popen[str]:
    """Begin; `prefix` is a command that runs this one, `environment` comes on top of our own.

    `prepare` is Python that the process runs first.
    """
    arguments = {"_ansible_check_mode": False, "_ansible_diff": False, "_ansible_remote_tmp": "/tmp", **options}
    running = subprocess.Popen(
        [*prefix, sys.executable, __file__, module, prepare],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **_BYTE_CODE, **(environment or {})},
    )
    assert running.stdin is not None
    running.stdin.write(json.dumps(arguments))
    running.stdin.close()
    running.stdin = None
    return running


def finish(running: subprocess.Popen[str]) -> dict[str, t.Any] | None:
    """The module's result; None where it was killed."""
    output, errors = running.communicate(timeout=_SECONDS)
    if running.returncode == -signal.SIGKILL:
        return None
    assert output, errors
    return t.cast("dict[str, t.Any]", json.loads(output))


def _main() -> None:
    from ansible.module_utils.testing import patch_module_args

    exec(sys.argv[2], {})  # noqa: S102  (the test's own)
    module = importlib.import_module(f"ansible_collections.proven.gitops.plugins.modules.{sys.argv[1]}")
    with patch_module_args(json.load(sys.stdin)):
        module.main()


if __name__ == "__main__":
    _main()
