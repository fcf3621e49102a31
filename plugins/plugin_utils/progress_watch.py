# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a module writes to what is shown of it, as time goes by. Knows nothing of Ansible."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from ..module_utils._shared.report import Snapshot
from .progress_line import LiveLine, LogLines, Meter, decode

_PATIENCE = 2.0  # seconds of work, that of starting the module not counted; whatever takes less shows nothing


def watch(read: t.Callable[[], bytes], meter: Meter, output: LiveLine | LogLines, stop: threading.Event) -> None:
    """Show what there is to read until `stop` is set; nothing if that is soon."""
    pause, seen = _PATIENCE, Snapshot()
    while not stop.wait(pause):
        pause = output.pause
        with contextlib.suppress(OSError):
            seen = decode(read()) or seen
        now = time.monotonic()
        if not seen.what:
            output.clear()
        elif now - seen.first >= _PATIENCE:
            output.show(meter.line(seen, now), now)
    output.clear()
