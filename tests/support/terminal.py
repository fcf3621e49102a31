# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays at a terminal: what a person sees while they run, and what is left at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import tempfile
import termios
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pyte
from support.playbook import command, environment

ROWS = 60


@dataclass(frozen=True)
class Seen:
    """How it went. `screens` are what was to be seen, one after the other, as rows; `raw` is what was written."""

    code: int
    screens: list[list[str]]
    raw: bytes

    @property
    def last(self) -> list[str]:
        """What is left when it is over."""
        return self.screens[-1]

    def rows(self, part: str) -> list[str]:
        """The rows that held `part`, as they changed."""
        found: list[str] = []
        for screen in self.screens:
            found += [row for row in screen if part in row and row not in found]
        return found


def run_at_terminal(
    playbook: Path,
    variables: t.Mapping[str, t.Any],
    *arguments: str,
    columns: int = 100,
    watch: t.Callable[[list[str]], None] = lambda _screen: None,
    **more: str,
) -> Seen:
    """Run a playbook on localhost at a terminal of its own; `watch` gets each screen as soon as it is there."""
    stream = pyte.ByteStream(screen := pyte.Screen(columns, ROWS))
    screens: list[list[str]] = [[]]
    raw = b""
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "results"
        record.touch()
        around = {"TERM": "xterm", **os.environ, **environment(record), **more}
        with _started(command(playbook, variables, *arguments), around, columns) as (process, master):
            while piece := _read(master):
                raw += piece
                stream.feed(piece)
                rows = [row.rstrip() for row in screen.display if row.strip()]
                if rows != screens[-1]:
                    screens.append(rows)
                    watch(rows)
            code = process.wait()
    return Seen(code, screens, raw)


@contextlib.contextmanager
def _started(
    arguments: list[str], around: dict[str, str], columns: int
) -> t.Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process, and the other end of the terminal that it has for itself."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    process = subprocess.Popen(arguments, env=around, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        yield process, master
    finally:
        os.close(master)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(master: int) -> bytes:
    """What comes next; nothing once nobody has the terminal open any more."""
    try:
        return os.read(master, 65536)
    except OSError:
        return b""
