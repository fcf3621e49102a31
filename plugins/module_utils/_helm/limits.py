# SPDX-License-Identifier: GPL-3.0-or-later
"""What a chart may cost. Sources: helm v4.3.1 pkg/chart/loader/archive/archive.go, helm v3.22.0 pkg/chart/loader."""

from __future__ import annotations

from dataclasses import dataclass

from .._artifact.limits import Limits
from .errors import InvalidChart

CONTENT = 100 << 20
"""Bytes of all files of a chart: helm refuses to load as many."""
HELM_3_FILE = 5 << 20
"""Bytes of the largest file that helm 3 loads."""
DEPTH = 10
"""How deep subcharts are nested: an archive can hold itself."""
_FILES = 20_000
_NAMES = 4 << 20

ARCHIVE = Limits(content=2 * CONTENT, entries=_FILES, names=_NAMES)


@dataclass
class Budget:
    """What is left for a chart with all that is in it, packed subcharts unpacked."""

    content: int = CONTENT
    files: int = _FILES

    def take(self, size: int) -> None:
        """InvalidChart where a file of `size` bytes is more than there is room for."""
        self.content -= size
        self.files -= 1
        if self.content <= 0:
            raise InvalidChart(f"the chart has more than {CONTENT >> 20} MiB of files, which helm does not load")
        if self.files < 0:
            raise InvalidChart(f"the chart has more than {_FILES} files")
