# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback that records each task's result as a line of JSON, for tests that run whole plays."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: Record results for tests
description: Writes one JSON object for each result to the file named by RECORD_RESULTS.
"""


class CallbackModule(CallbackBase):
    """Appends to $RECORD_RESULTS."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, outcome: str, result: t.Any) -> None:
        task = getattr(result, "task", None) or result._task
        entry = {
            "task": task.get_name(),
            "outcome": outcome,
            "result": getattr(result, "result", None) or result._result,
        }
        with open(os.environ["RECORD_RESULTS"], "a", encoding="utf-8") as sink:
            sink.write(json.dumps(entry, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._record("skipped", result)
