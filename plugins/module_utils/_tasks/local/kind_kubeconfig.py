# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's own kubeconfig file, and the mark beside it of a cluster that is being made."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t
from pathlib import Path

from ..._shared.errors import InvalidOption
from ..._shared.files import write_atomically
from ..._shared.requirements import third_party

with third_party():
    import yaml

_PRIVATE = 0o600
_LIMIT = 1024 * 1024


class Kubeconfig:
    """The file at `path`, which has this cluster's context and no other."""

    def __init__(self, path: Path, cluster: str) -> None:
        self.path = path
        self.context = f"kind-{cluster}"
        self._mark = path.with_name(f"{path.name}.creating")

    def check(self) -> None:
        """Raise InvalidOption if the file is not this cluster's own: it would be overwritten, or removed."""
        content = self.read()
        if content is not None and not self._is_ours(content):
            raise InvalidOption("kubeconfig", f"{self.path} is not of {self.context} alone: give it a file of its own")

    def read(self) -> bytes | None:
        """What is in it; None where there is no file."""
        try:
            found = os.lstat(self.path)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LIMIT:
                raise InvalidOption("kubeconfig", f"{self.path} is not a file of ours")
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidOption("kubeconfig", f"{self.path}: {error.strerror}") from None

    @property
    def exists(self) -> bool:
        """Whether there is anything to remove."""
        return self.marked or self.read() is not None

    def is_current(self, content: bytes) -> bool:
        """Whether it has that content, for its owner alone."""
        return self.read() == content and stat.S_IMODE(os.lstat(self.path).st_mode) == _PRIVATE

    def write(self, content: bytes) -> None:
        """Write it for its owner alone, and its directory."""
        self._make_directory()
        write_atomically(str(self.path), [content], _PRIVATE)

    def remove(self) -> None:
        """Remove it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    @property
    def marked(self) -> bool:
        """Whether a cluster was begun, and not finished."""
        return os.path.lexists(self._mark)

    def mark(self) -> None:
        """Note beside it that the cluster is being made."""
        self._make_directory()
        write_atomically(str(self._mark), [f"{self.context} is being made\n".encode()], _PRIVATE)

    def unmark(self) -> None:
        """Take that note away."""
        with contextlib.suppress(FileNotFoundError):
            self._mark.unlink()

    def _make_directory(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidOption("kubeconfig", f"{error.filename}: {error.strerror}") from None

    def _is_ours(self, content: bytes) -> bool:
        try:
            document: t.Any = yaml.safe_load(content)
        except (yaml.YAMLError, ValueError, RecursionError):
            return False
        if document is None:
            return True  # an empty file is nobody's
        contexts = document.get("contexts") if isinstance(document, dict) else [{}]
        return all(isinstance(one, dict) and one.get("name") == self.context for one in contexts or [])
