# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that a play starts: their command lines and environments, as anybody on the machine could read them.

Two ways, since neither sees all: /proc is looked at every few milliseconds, which misses what is quicker; and programs
on PATH are recorded each time that they start, which misses what nobody named.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

_PAUSE = 0.005
_MODULE = b"AnsiballZ_"
_REPOSITORY = r"find . -type f \( -name '*config*' -o -path '*/logs/*' -o -name '*_HEAD' \) -exec cat {} +"
PROGRAMS = ("git", "ssh", "ssh-keygen")


@dataclass(frozen=True)
class Process:
    """A process at one look. `ours`: a module started it, and not Ansible."""

    command: bytes
    environment: bytes
    ours: bool


class Watch:
    """`seen` has every process below this one that was there while the block ran."""

    def __init__(self) -> None:
        self.seen: set[Process] = set()
        self._ours: set[int] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(_PAUSE):
            parents = _below(os.getpid(), self._ours)
            for pid in parents:
                try:
                    self._look(pid, parents)
                except OSError:
                    self._ours.discard(pid)

    def _look(self, pid: int, parents: t.Mapping[int, int]) -> None:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        # Between fork and exec a child looks like its parent.
        module = _MODULE in command and b"python" in command
        ours = pid in self._ours or (not module and self._started_by_module(parents[pid], parents))
        if ours:
            self._ours.add(pid)  # also when its parent has ended
        self.seen.add(Process(command, environment, ours))

    def _started_by_module(self, pid: int, parents: t.Mapping[int, int]) -> bool:
        while pid > 1 and pid != os.getpid():
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                # The shell that starts a module names it too.
                if _MODULE in command and b"-c\0" not in command:
                    return True
            pid = parents.get(pid, 1)
        return False


def _below(top: int, orphans: t.Iterable[int]) -> dict[int, int]:
    """Every process below the top one, and its parent; so is what belonged there, and may have lost its parent."""
    found = dict.fromkeys(orphans, 1)
    waiting = [top, *found]
    while waiting:
        parent = waiting.pop()
        for child in _children(parent):
            if child not in found:
                waiting.append(child)
            found[child] = parent
    return found


def _children(pid: int) -> t.Iterator[int]:
    """Those that any thread of it has started: the kernel's own list, since all of /proc takes the processor's time."""
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())


def recorders(directory: Path, log: Path, more: t.Mapping[str, Path]) -> Path:
    """A directory for PATH, where each of PROGRAMS (and of `more`) writes down how it was started before it starts.

    The configuration and the reflogs of repositories where it is started go into `log` with `.git` behind its name.
    """
    directory.mkdir()
    programs = {name: shutil.which(name) for name in PROGRAMS} | {name: str(path) for name, path in more.items()}
    for name, real in programs.items():
        script = directory / name
        look = f"{_REPOSITORY} >>'{log}.git'" if name == "git" else ""
        script.write_text(
            "#!/bin/sh\n"
            f"{{ printf '%s\\n' {name} \"$@\"; tr '\\0' '\\n' </proc/$$/environ; printf '\\n'; }} >>'{log}'\n"
            f"{look}\n"
            f"exec '{real}' \"$@\"\n"
        )
        script.chmod(0o755)
    return directory
