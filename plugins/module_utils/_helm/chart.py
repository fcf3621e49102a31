# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart with its subcharts, as helm loads it, and the tar that we pack of it.

Unlike `helm package` we write every file as it is, Chart.yaml and packed subcharts too: what is signed is what the tree
holds. Helm's order: Chart.yaml, the lock, values, their schema, templates, all other files, subcharts.
Source: helm v4.3.1 pkg/chart/v2/loader/load.go, pkg/chart/v2/util/save.go, pkg/action/dependency.go.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from .._artifact import tarball
from .._artifact.limits import UnsafeArchive
from .._shared import strict_json, strict_yaml
from . import files as chart_files
from . import metadata as chart_metadata
from . import values
from .errors import InvalidChart
from .files import Files
from .limits import DEPTH, Budget
from .metadata import CHART_YAML, REQUIREMENTS, Metadata

LOCK, REQUIREMENTS_LOCK = "Chart.lock", "requirements.lock"
VALUES, SCHEMA = "values.yaml", "values.schema.json"
_FIRST = (CHART_YAML, LOCK, VALUES, SCHEMA)
_TEMPLATES, _CHARTS = "templates/", "charts/"
_MAX_LOCK = 1 << 20
_LOCKED = ("dependencies", "digest", "generated")
_HIDDEN = ("_", ".")  # names in charts/ that helm passes over


@dataclass(frozen=True)
class Chart:
    """A chart that helm loads. `files` has what is packed, in that order, packed subcharts among them."""

    metadata: Metadata
    files: Files = field(repr=False)
    subcharts: tuple[Chart, ...] = ()
    passed_over: tuple[str, ...] = ()

    def tar(self) -> t.Iterator[bytes]:
        """The deterministic archive: names and contents alone decide its bytes."""
        for name, content in self.files.items():
            yield tarball.header(f"{self.metadata.name}/{name}", len(content))
            yield content
            yield tarball.padding(len(content))
        yield tarball.END

    @property
    def meaning(self) -> str:
        """The digest of what helm makes of the chart: equal for two archives that it takes for the same chart.

        Helm writes Chart.yaml and Chart.lock anew, and unpacks subcharts: neither makes another chart.
        """
        digest = hashlib.sha256()
        parts = [("metadata", self.metadata.config), ("lock", self._lock())]
        parts += sorted((name, content) for name, content in self.files.items() if not self._is_rewritten(name))
        parts += [("subchart", one.encode()) for one in sorted(chart.meaning for chart in self.subcharts)]
        for name, content in parts:
            digest.update(b"%d %d %s\n" % (len(name.encode()), len(content), name.encode()))
            digest.update(content)
        return digest.hexdigest()

    @property
    def is_as_helm_packs(self) -> bool:
        """Whether the files can be what `helm package` writes: nothing in them that helm leaves out or writes anew."""
        rewritten = [name for name in self.files if self._is_rewritten(name) and name not in (CHART_YAML, LOCK)]
        strange = [name for name in rewritten if name.endswith(".tgz") or not name.startswith(_CHARTS)]
        lock = self.files.get(LOCK)
        return (
            not (self.passed_over or strange)
            and chart_metadata.is_written(self.files[CHART_YAML])
            and (lock is None or (self.metadata.api_version == "v2" and _is_written(lock)))
            and all(chart.is_as_helm_packs for chart in self.subcharts)
        )

    def check_dependencies(self) -> None:
        """InvalidChart unless charts/ holds all that Chart.yaml declares, as `helm package` wants it."""
        there = {chart.metadata.name for chart in self.subcharts}
        if missing := sorted({one["name"] for one in self.metadata.dependencies} - there):
            raise InvalidChart(
                f"{self.metadata.name}: the dependencies {', '.join(missing)[:300]} are not in charts/: run `helm"
                " dependency build` first"
            )

    def _lock(self) -> bytes:
        """The lock without the time at which it was made; a chart of version 1 has it as a file like others."""
        names = (LOCK, REQUIREMENTS_LOCK) if self.metadata.api_version == "v2" else ()
        found = [_lock(self.files[name], name) for name in names if name in self.files]
        return found[-1] if found else b""

    def _is_rewritten(self, name: str) -> bool:
        if name in (CHART_YAML, LOCK):
            return True
        if name.startswith(_CHARTS):
            return not name.endswith(".prov")
        return self.metadata.api_version == "v2" and name in (REQUIREMENTS, REQUIREMENTS_LOCK)


def load(files: Files, budget: Budget, what: str = "", depth: int = 0) -> Chart:
    """The chart in these files; InvalidChart where helm would not load it. `what` names it in messages."""
    if CHART_YAML not in files:
        raise InvalidChart(f"{what}{CHART_YAML} is missing")
    if depth > DEPTH:
        raise InvalidChart(f"{what}subcharts are nested more than {DEPTH} deep")
    metadata = chart_metadata.read(files[CHART_YAML], f"{what}{CHART_YAML}")
    if REQUIREMENTS in files:
        metadata = metadata.with_requirements(files[REQUIREMENTS], f"{what}{REQUIREMENTS}")
    for name in (LOCK, REQUIREMENTS_LOCK):
        if name in files:
            _lock(files[name], f"{what}{name}")
    _check_values(files, what)
    kept = {name: files[name] for name in sorted(files, key=_rank) if not _is_hidden(name)}
    passed_over = tuple(name for name in files if name not in kept)
    return Chart(metadata, kept, tuple(_subcharts(kept, budget, what, depth)), passed_over)


def _rank(name: str) -> int:
    if name in _FIRST:
        return _FIRST.index(name)
    return len(_FIRST) + (0 if name.startswith(_TEMPLATES) else 2 if name.startswith(_CHARTS) else 1)


def _is_hidden(name: str) -> bool:
    return name.startswith(_CHARTS) and name.removeprefix(_CHARTS).startswith(_HIDDEN) and not name.endswith(".prov")


def _subcharts(files: Files, budget: Budget, what: str, depth: int) -> t.Iterator[Chart]:
    found: dict[str, Files] = {}
    for name, content in files.items():
        if name.startswith(_CHARTS) and not name.endswith(".prov"):
            first, slash, rest = name.removeprefix(_CHARTS).partition("/")
            found.setdefault(first, {})[rest if slash else ""] = content
    for name, inside in found.items():
        where = f"{what}{_CHARTS}{name}/"
        if name.endswith(".tgz"):
            if list(inside) != [""]:
                raise InvalidChart(f"{where[:-1]} is a directory with the name of a packed chart")
            yield load(_unpacked(inside[""], budget, where), budget, where, depth + 1)
        elif "" in inside:
            raise InvalidChart(f"{where[:-1]} is a file, and no packed chart (.tgz)")
        else:
            yield load(inside, budget, where, depth + 1)


def _unpacked(packed: bytes, budget: Budget, where: str) -> Files:
    try:
        return chart_files.of_archive([packed], budget)
    except (UnsafeArchive, InvalidChart) as error:
        raise InvalidChart(f"{where[:-1]}: {error.message}") from None


def _lock(data: bytes, what: str) -> bytes:
    """What a lock says of the dependencies, as JSON."""
    try:
        given = strict_yaml.load_map(data, what, _MAX_LOCK)
    except strict_yaml.MalformedYaml as error:
        raise InvalidChart(error.message) from None
    locked = values.dependencies(given.get("dependencies"), f"{what}: dependencies", unique=False)
    return strict_json.compact([values.text(given.get("digest"), f"{what}: digest"), locked])


def _is_written(lock: bytes) -> bool:
    return list(strict_yaml.load_map(lock, LOCK, _MAX_LOCK)) == list(_LOCKED) and not strict_yaml.has_comments(
        lock.decode()
    )


def _check_values(files: Files, what: str) -> None:
    """That the values are YAML and their schema is JSON."""
    if VALUES in files and (wrong := strict_yaml.syntax_fault(files[VALUES])):
        raise InvalidChart(f"{what}{VALUES}: {wrong}")
    if SCHEMA in files:
        try:
            json.loads(files[SCHEMA])
        except (ValueError, RecursionError):
            raise InvalidChart(f"{what}{SCHEMA} is not JSON") from None
