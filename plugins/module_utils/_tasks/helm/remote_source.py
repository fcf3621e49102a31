# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts from elsewhere: at a URL, or by name and version in an HTTP repository. Their SHA-256 is always given."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ..._chartrepo.download import absolute, without_query
from ..._helm import index, provenance
from ..._helm.errors import InvalidChart
from ..._helm.limits import ARCHIVE
from ..._shared.digest import hexadecimal
from . import chart_source

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._chartrepo.download import Downloads
    from ..._helm.metadata import Metadata
    from .chart_source import Loaded, Proof

INDEX = "index.yaml"


@dataclass(frozen=True)
class Url:
    """The archive at `url`. Who we are goes to the origin of `home` alone, by default that of `url`."""

    url: str
    sha256: str
    downloads: Downloads
    proof: Proof | None = None
    home: str = ""

    def metadata(self) -> Metadata | None:
        """None: nothing is asked for yet."""
        return None

    def load(self) -> Loaded:
        """The archive, and the provenance file beside it, downloaded."""
        shown, home = without_query(self.url), self.home or self.url
        packed = self.downloads.read(self.url, home, ARCHIVE.packed)
        loaded = chart_source.unpacked(packed, shown, self.sha256)
        if self.proof is None:
            return loaded
        parts = urlsplit(self.url)
        signed = self.downloads.read(parts._replace(path=f"{parts.path}.prov").geturl(), home, provenance.MAX_LENGTH)
        return replace(loaded, provenance=self.proof.check(loaded, signed, f"{shown}.prov"))


@dataclass(frozen=True)
class Repository:
    """A chart of the repository at `url`."""

    url: str
    name: str
    version: str
    sha256: str
    downloads: Downloads
    proof: Proof | None = None

    def metadata(self) -> Metadata | None:
        """None: nothing is asked for yet."""
        return None

    def load(self) -> Loaded:
        """What the index names for this version, downloaded."""
        where = absolute(self.url, INDEX)
        shown = without_query(where)
        pieces = self.downloads.pieces(where, self.url, index.MAX_LENGTH)
        entry = index.find(pieces, self.name, self.version, shown)
        if entry.digest and entry.digest != hexadecimal(self.sha256):
            raise InvalidChart(
                f"{shown}: {self.name} {self.version} has the digest {entry.digest[:64]}, not that of sha256"
            )
        loaded = Url(absolute(self.url, entry.url), self.sha256, self.downloads, self.proof, self.url).load()
        found = loaded.chart.metadata
        if (found.name, found.version) != (self.name, self.version):
            raise InvalidChart(f"{shown}: what it has for {self.name} {self.version} is {found.name} {found.version}")
        return loaded
