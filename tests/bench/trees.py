# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests to publish: made from a seed, so that both sides and all runs pack the same."""

from __future__ import annotations

import random
import typing as t
from pathlib import Path

_KINDS = ("Deployment", "Service", "ConfigMap", "Ingress", "NetworkPolicy", "HorizontalPodAutoscaler")
_WORDS = [
    "app",
    "api",
    "web",
    "data",
    "cache",
    "queue",
    "worker",
    "auth",
    "login",
    "session",
    "user",
    "order",
    "invoice",
    "search",
    "index",
    "metrics",
    "proxy",
    "gateway",
    "image",
    "volume",
    "secret",
    "config",
    "token",
    "probe",
    "ready",
    "live",
    "port",
    "target",
    "label",
    "selector",
    "match",
    "value",
    "name",
    "path",
    "host",
]


def small(root: Path, count: int) -> list[Path]:
    """`count` directories of three small manifests each, about 3 KiB together."""
    directories = []
    for number in range(count):
        directory, source = root / f"app-{number:04}", random.Random(number)  # noqa: S311  (manifests, no secrets)
        directory.mkdir(parents=True)
        for kind in _KINDS[:3]:
            (directory / f"{kind.lower()}.yaml").write_text(_manifest(source, kind, 1000))
        directories.append(directory)
    return directories


def large(root: Path, size: int) -> int:
    """One tree of about `size` bytes; the number of files in it.

    Nine in ten are manifests of 2 to 16 KiB, the tenth is as large as a custom resource definition (100 to 400 KiB):
    so a directory of rendered charts looks.
    """
    source, written, count = random.Random(size), 0, 0  # noqa: S311
    while written < size:
        kind = source.choice(_KINDS)
        length = source.randrange(100, 400) if source.random() < 0.1 else source.randrange(2, 16)
        text = _manifest(source, kind, min(length * 1024, max(size - written, 1024)))
        path = root / f"group-{count // 100:03}" / f"{kind.lower()}-{count:05}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written, count = written + len(text), count + 1
    return count


def _manifest(source: random.Random, kind: str, length: int) -> str:
    """YAML of about `length` characters: keys that repeat, names that do so at times, digests that never do."""
    lines = [f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {_name(source)}\nspec:"]
    left = length - len(lines[0])
    while left > 0:
        block = "\n".join(_block(source))
        lines.append(block)
        left -= len(block) + 1
    return "\n".join(lines) + "\n"


def _block(source: random.Random) -> t.Iterator[str]:
    yield f"  - name: {_name(source)}"
    yield f"    image: registry.example.com/{source.choice(_WORDS)}/{_name(source)}:v1.{source.randrange(40)}"
    if source.random() < 0.2:
        yield f"    digest: sha256:{source.getrandbits(256):064x}"
    yield "    env:"
    for _each in range(source.randrange(1, 6)):
        variable = f"{source.choice(_WORDS)}_{source.choice(_WORDS)}".upper()
        yield f"      - {{name: {variable}, value: {_name(source)}}}"
    yield f"    resources: {{limits: {{cpu: {source.randrange(1, 20)}00m, memory: {source.randrange(64, 2048)}Mi}}}}"
    yield f"    description: {' '.join(source.choices(_WORDS, k=source.randrange(4, 16)))}."


def _name(source: random.Random) -> str:
    return f"{source.choice(_WORDS)}-{source.choice(_WORDS)}-{source.randrange(500)}"
