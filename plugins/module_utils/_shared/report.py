# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task is: what the module writes into a file, and the action plugin reads from it.

The file holds the present state only, overwritten in place: it never grows, and who reads late has missed nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

VARIABLE = "PROVEN_PROGRESS_FILE"  # the environment variable that hands the file to the module
MAGIC = b"proven.gitops progress 1\n"  # only a file that begins so is written to
SIZE = 2048  # bytes; the rest of the file is blank
TEXT = 200  # characters of one text at most


@dataclass
class Snapshot:
    """The present state. An empty `what` says that nothing is going on.

    `done` of `total` (-1: not known) are counted in `unit`, `sent` of `size` (0: not known) in bytes. `name` is what is
    being waited for, `words` what it says of itself, `limit` for how many seconds at most (0: not known). The rest are
    times of the machine's monotonic clock: since when `what` is being done, `name` waited for, and anything done.
    """

    what: str = ""
    unit: str = ""
    done: int = 0
    total: int = -1
    sent: int = 0
    size: int = 0
    name: str = ""
    words: str = ""
    limit: float = 0.0
    began: float = 0.0
    waited: float = 0.0
    first: float = 0.0

    def encode(self) -> bytes:
        """The whole content of the file: always SIZE bytes, in ASCII."""
        values = {key: _text(value) if isinstance(value, str) else value for key, value in asdict(self).items()}
        return (MAGIC + json.dumps(values).encode("ascii")).ljust(SIZE)


def _text(value: str) -> str:
    return value[:TEXT].encode("ascii", "replace").decode("ascii")
