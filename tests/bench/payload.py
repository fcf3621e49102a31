# SPDX-License-Identifier: GPL-3.0-or-later
"""How large what Ansible sends to a host for a module is: built by ansible-core itself, in a process of its own.

`python -m bench.payload MODULE…` prints a JSON object of sizes in bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t

if t.TYPE_CHECKING:
    from bench.world import World


def payload_sizes(world: World, names: t.Sequence[str]) -> dict[str, int]:
    """Bytes for each module."""
    environment = {**world.environment, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.payload", *names], check=True, capture_output=True, env=environment
    )
    return t.cast("dict[str, int]", json.loads(done.stdout))


def _size(name: str) -> int:
    from ansible.executor.module_common import modify_module
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import module_loader
    from ansible.template import Templar

    path = module_loader.find_plugin_with_context(name).plugin_resolved_path
    options: dict[str, t.Any] = {"module_name": name, "module_path": path, "module_args": {}}
    options |= {"templar": Templar(DataLoader()), "module_compression": "ZIP_DEFLATED"}
    built = modify_module(**options, task_vars={"ansible_python_interpreter": sys.executable})
    return len(built.b_module_data)


def main() -> None:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    json.dump({name: _size(name) for name in sys.argv[1:]}, sys.stdout)


if __name__ == "__main__":
    main()
