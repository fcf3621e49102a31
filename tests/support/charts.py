# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts of any shape, small ones by default."""

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

from support.tars import entry

CHART_YAML = "apiVersion: v2\nname: app\nversion: 1.0.0\n"


def tree(directory: Path, files: t.Mapping[str, str | bytes] | None = None) -> Path:
    """A chart directory; `files` may replace its Chart.yaml."""
    for name, content in {"Chart.yaml": CHART_YAML, "templates/a.yaml": "kind: A\n", **(files or {})}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def packed(*entries: bytes, chart_yaml: str | None = CHART_YAML, base: str = "app") -> bytes:
    """A packed chart of `entries`, which are whole tar entries, after its Chart.yaml."""
    first = entry(f"{base}/Chart.yaml".encode(), chart_yaml.encode()) if chart_yaml is not None else b""
    return gzip.compress(first + b"".join(entries) + bytes(1024), mtime=0)
