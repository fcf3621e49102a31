# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a chart comes from: a directory, or an archive that is taken as it is."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, replace

from ..._artifact.limits import UnsafeArchive
from ..._artifact.tree import UnreadableTree
from ..._helm import chart as charts
from ..._helm import files as chart_files
from ..._helm import metadata as chart_metadata
from ..._helm import provenance
from ..._helm.errors import InvalidChart
from ..._helm.limits import ARCHIVE, Budget
from ..._shared.digest import of_bytes
from ..._shared.errors import InvalidOption

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._helm.chart import Chart
    from ..._helm.metadata import Metadata
    from .keyring import Keyring


@dataclass(frozen=True)
class Loaded:
    """A chart; `packed` is its archive where that is given, and `provenance` the file that goes with it."""

    chart: Chart
    packed: bytes | None = None
    provenance: bytes | None = None


class Source(t.Protocol):
    """One place that a chart comes from."""

    def metadata(self) -> Metadata | None:
        """What is known of it before anything is asked for; InvalidOption where it cannot be used."""

    def load(self) -> Loaded:
        """The whole chart; InvalidChart and others where it is not one."""


@dataclass(frozen=True)
class Proof:
    """That a provenance file is carried along. With a keyring, one of its keys must have signed it."""

    keyring: Keyring | None = None

    def check(self, loaded: Loaded, signed: bytes, what: str) -> bytes:
        """The provenance file; InvalidChart unless it is about this archive."""
        text = (self.keyring or provenance).signed_text(signed, what)
        provenance.check(text, loaded.chart.metadata, of_bytes(loaded.packed or b""), what)
        return signed


@dataclass(frozen=True)
class Directory:
    """A chart directory, packed here."""

    path: str

    def metadata(self) -> Metadata:
        """From its Chart.yaml alone."""
        if not os.path.isdir(self.path):
            raise InvalidOption("path", f"{self.path} does not exist, or is neither a directory nor a .tgz")
        file = os.path.join(self.path, chart_metadata.CHART_YAML)
        try:
            with open(file, "rb") as opened:
                data = opened.read(chart_metadata.MAX_LENGTH + 1)
        except OSError as error:
            raise InvalidOption(
                "path", f"{self.path} is not a chart: {chart_metadata.CHART_YAML}: {error.strerror}"
            ) from None
        try:
            return chart_metadata.read(data.removeprefix(chart_files.BOM))
        except InvalidChart as error:
            raise InvalidOption("path", f"{self.path}: {error.message}") from None

    def load(self) -> Loaded:
        """With all its files, and its dependencies in charts/."""
        budget = Budget()
        try:
            chart = charts.load(chart_files.of_directory(self.path, budget), budget)
            chart.check_dependencies()
        except (InvalidChart, UnreadableTree) as error:
            raise InvalidChart(f"path: {self.path}: {error.message.removeprefix('path: ')}", **error.details) from None
        return Loaded(chart)


@dataclass(frozen=True)
class File:
    """A packed chart on this host, pushed as it is."""

    path: str
    sha256: str | None = None
    proof: Proof | None = None

    def metadata(self) -> Metadata:
        """From the archive."""
        return self.load().chart.metadata

    def load(self) -> Loaded:
        """The archive, and the provenance file beside it."""
        loaded = unpacked(_read(self.path, ARCHIVE.packed), self.path, self.sha256)
        if self.proof is None:
            return loaded
        what = f"{self.path}.prov"
        return replace(loaded, provenance=self.proof.check(loaded, _read(what, provenance.MAX_LENGTH), what))


def _read(path: str, most: int) -> bytes:
    """A file, or one byte more than `most` of it."""
    try:
        with open(path, "rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise InvalidOption("path", f"{path}: {error.strerror}") from None


def unpacked(packed: bytes, where: str, sha256: str | None) -> Loaded:
    """The chart in an archive; InvalidChart where it is none, or its digest is not `sha256` (`sha256:` and hex)."""
    if sha256 is not None and of_bytes(packed) != sha256:
        raise InvalidChart(f"{where}: the archive is {of_bytes(packed)}, not {sha256} as sha256 says")
    budget = Budget()
    try:
        return Loaded(charts.load(chart_files.of_archive([packed], budget), budget), packed)
    except (InvalidChart, UnsafeArchive) as error:
        raise InvalidChart(f"{where}: {error.message}", **error.details) from None
