# SPDX-License-Identifier: GPL-3.0-or-later
"""One command, measured by the kernel: `python -S -E spawn.py FIGURES COMMAND…`.

A process is accounted with the memory of the one that forked it, so a small one has to stand between the benchmark and
what it measures. CPU time and peak memory are those of the command and of every descendant that was waited for.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> int:
    figures, command = sys.argv[1], sys.argv[2:]
    started = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    _same, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - started
    with open(figures, "w", encoding="ascii") as file:
        file.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
