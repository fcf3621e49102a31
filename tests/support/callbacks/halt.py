# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback that tells where a play is, and stands still after one of its tasks, for tests that kill it there."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: halt
type: aggregate
short_description: Tell where a play is, for tests that kill it
description:
  - Appends one JSON object for each task that starts or has succeeded to the file named by HALT_RECORD.
  - Stands still after the task named by HALT_AFTER.
"""
_FOR_EVER = 600.0


class CallbackModule(CallbackBase):
    """Appends to $HALT_RECORD."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "halt"
    CALLBACK_NEEDS_ENABLED = True

    @staticmethod
    def _tell(event: str, task: str) -> None:
        with open(os.environ["HALT_RECORD"], "a", encoding="utf-8") as sink:
            sink.write(json.dumps({"event": event, "task": task, "at": time.monotonic()}) + "\n")

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self._tell("start", task.get_name())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        name = (getattr(result, "task", None) or result._task).get_name()
        self._tell("ok", name)
        if name == os.environ.get("HALT_AFTER"):
            time.sleep(_FOR_EVER)
