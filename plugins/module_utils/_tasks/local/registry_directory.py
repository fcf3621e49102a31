# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a local registry's data directory. Nothing is changed in a directory that is not recognisably one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import typing as t

from ..._embedded.datadir import FILES, MARKER, DataDirectory
from ..._shared.errors import InvalidOption
from ..._shared.files import write_atomically

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._embedded.credentials import Credentials
    from ..._embedded.datadir import Settings

_PRIVATE = 0o600


class RegistryDirectory(DataDirectory):
    """A data directory that can be made, filled and removed."""

    def is_ours(self) -> bool:
        """Whether we have made it."""
        return (self.path / MARKER).is_file()

    def check(self) -> None:
        """Raise InvalidOption unless the path is free, an empty or a data directory, and only ours to write."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(found.st_mode):
            raise InvalidOption("data_dir", f"{self.path} is not a directory")
        if found.st_uid != os.geteuid():
            raise InvalidOption("data_dir", f"{self.path} belongs to another user")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):  # whoever can write there decides what we run
            raise InvalidOption("data_dir", f"{self.path} can be written by other users")
        if any(self.path.iterdir()) and not self.is_ours():  # in this order: another task may be making it
            raise InvalidOption("data_dir", f"{self.path} is not empty, and not the data directory of a registry")

    def create(self) -> None:
        """Make it a data directory; one that is there already is left as it is."""
        made = not self.path.exists()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.is_ours():
            return
        # In one step: a marker that is cut short still is one, and one of another task is as good.
        with contextlib.suppress(FileExistsError), open(self.path / MARKER, "x", opener=_private) as file:
            json.dump({"format": 1, "made_directory": made}, file)

    @contextlib.contextmanager
    def exclusively(self) -> t.Iterator[None]:
        """One module at a time starts, stops or removes this registry. Not the server's own lock."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def write_settings(self, settings: Settings) -> None:
        """What the server reads when it starts."""
        self._write("settings.json", settings.as_document())

    def write_credentials(self, credentials: Credentials | None) -> None:
        """Who gets in; None: everybody."""
        if credentials is None:
            (self.path / "credentials.json").unlink(missing_ok=True)
        else:
            self._write("credentials.json", credentials.as_document())

    def write_code(self, archive: bytes) -> None:
        """What the server runs."""
        write_atomically(str(self.code), [archive], _PRIVATE)

    def clear_lock(self) -> None:
        """Drop what a dead server wrote, before a new one takes the lock: its process id may be another's by now."""
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self.lock, 0)

    def remove(self) -> list[str]:
        """Remove what is ours, and the directory if we made it and it is empty then; the names of what was left."""
        made = (self.read(MARKER) or {}).get("made_directory") is True
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.storage)
        for name in reversed(FILES):  # the marker last: until then another attempt is possible
            for path in (*self.path.glob(f".{name}.*"), self.path / name):  # what a killed task began, too
                path.unlink(missing_ok=True)
        left = sorted(entry.name for entry in self.path.iterdir())
        if made and not left:
            self.path.rmdir()
        return left

    def _write(self, name: str, document: dict[str, t.Any]) -> None:
        write_atomically(str(self.path / name), [json.dumps(document, indent=2).encode()], _PRIVATE)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)
