# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests, on PYTHONPATH: what a process says to syslog goes into the file RECORD_SYSLOG, and no further."""

from __future__ import annotations

import os
import syslog
import typing as t


def _record(*arguments: t.Any) -> None:
    with open(os.environ["RECORD_SYSLOG"], "a", encoding="utf-8", errors="surrogateescape") as sink:
        sink.write(f"{arguments[-1]}\n")


if "RECORD_SYSLOG" in os.environ:
    syslog.syslog = _record  # type: ignore[assignment]
