# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module whose work may take long: runs the module, and shows meanwhile how far it is.

A module cannot print, so it writes into a file that it is handed. Nor can the plugin: it runs in a worker process,
which ansible-core cuts off from the terminal. All it shows goes through Display, to the main process, in order with
what Ansible itself prints.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import typing as t
from dataclasses import dataclass

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils._shared.report import SIZE, VARIABLE, Snapshot
from .defaults import DefaultsAction
from .progress_line import LiveLine, LogLines, Meter
from .progress_watch import watch

_MODES = ("auto", "lines", "quiet")
_STDERR = 2
_RECORDER = "awx_display"  # the callback of ansible-runner, and so of AWX


@dataclass(frozen=True)
class Terminal:
    """The terminal that standard error is, by its path: a worker process has no open descriptor of it."""

    path: str

    @classmethod
    def find(cls) -> Terminal | None:
        """None where there is no terminal, or one that cannot erase."""
        # ansible-runner gives Ansible a terminal, and makes a log of what comes.
        recorded = (
            _RECORDER in constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
            or "AWX_ISOLATED_DATA_DIR" in os.environ
        )
        if recorded or os.environ.get("TERM", "dumb") == "dumb" or not os.isatty(_STDERR):
            return None
        try:
            return cls(os.ttyname(_STDERR))
        except OSError:
            return None

    def width(self) -> int:
        """Columns, now: it may have been resized."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                return os.get_terminal_size(descriptor).columns or 80
            finally:
                os.close(descriptor)
        return 80


# Found out while this is imported. The strategy does that in the main process, before it starts a worker; should it
# happen in a worker after all, there is no terminal to be seen, and lines are what is left.
_TERMINAL = Terminal.find()


class ProgressAction(DefaultsAction):
    """What Ansible does with any module, and progress beside it. The module's result is not touched."""

    def _execute_module(self, *args: t.Any, **options: t.Any) -> dict[str, t.Any]:
        with contextlib.ExitStack() as stack:
            mode = self._mode(options["task_vars"])
            if self._can_show(mode):
                with contextlib.suppress(OSError):  # no room for the file: then without
                    self._show(stack, mode, options["task_vars"])
            return t.cast("dict[str, t.Any]", super()._execute_module(*args, **options))

    def _mode(self, task_vars: t.Mapping[str, t.Any]) -> str:
        given = task_vars.get("proven_progress", os.environ.get("PROVEN_PROGRESS") or "auto")
        mode = self._templar.template(given)
        if mode is False or str(mode).lower() in ("false", "no", "off"):
            return "quiet"
        if mode not in _MODES:
            raise AnsibleActionFail(f"proven_progress: {mode!r} is none of {', '.join(_MODES)}")
        return str(mode)

    def _can_show(self, mode: str) -> bool:
        """Not from another host, whose files cannot be read; not what no_log hides; not what runs on by itself."""
        silent = mode == "quiet" or self._task.no_log or self._task.async_val
        return not silent and self._connection.transport == "local"

    def _show(self, stack: contextlib.ExitStack, mode: str, task_vars: t.Mapping[str, t.Any]) -> None:
        """Start to watch a new file, and hand it to the module; `stack` undoes both."""
        descriptor, path = tempfile.mkstemp(prefix="progress-", dir=_local_tmp())
        stack.callback(os.unlink, path)
        stack.callback(os.close, descriptor)
        os.pwrite(descriptor, Snapshot().encode(), 0)
        before = self._task.environment
        stack.callback(setattr, self._task, "environment", before)
        self._task.environment = [*(before or []), {VARIABLE: path}]
        head = f"[{task_vars['inventory_hostname']}] {self._task.action.rpartition('.')[2]}"
        stop = threading.Event()
        watcher = threading.Thread(
            target=watch,
            args=(lambda: os.pread(descriptor, SIZE, 0), Meter(head), _output(mode, task_vars), stop),
            name="progress",
            daemon=True,
        )
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(stop.set)


def _local_tmp() -> str:
    """The controller's directory for this run of Ansible: nobody else's, and removed at its end."""
    return t.cast("str", constants.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]


def _output(mode: str, task_vars: t.Mapping[str, t.Any]) -> LiveLine | LogLines:
    """A live line only where nobody else writes meanwhile: with several hosts, results come in between."""
    display = Display()
    # To standard error: standard output may be a program's input, as with the callback ansible.posix.json.
    if mode == "auto" and _TERMINAL is not None and len(task_vars.get("ansible_play_batch") or ()) == 1:
        # Without a line break it is the carriage return that makes Python write it out.
        return LiveLine(
            lambda text: display.display(text, stderr=True, screen_only=True, newline=False), _TERMINAL.width
        )
    return LogLines(lambda text: display.display(text, stderr=True))
