# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart as what helm would push."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from ..._artifact import tarball
from ..._artifact.annotations import CONTENT, CREATED
from ..._artifact.archive import Archive
from ..._artifact.layer import Content, Layer
from ..._artifact.tree import Walk
from ..._helm import artifact
from ..._helm.contents import contents
from ..._helm.errors import InvalidChart
from ..._helm.limits import ARCHIVE, HELM_3_FILE
from ..._oci.descriptor import Descriptor
from ..._shared.digest import of_bytes
from ..._shared.errors import InvalidOption

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._artifact.compress import Compressor
    from ..._artifact.contents import Contents
    from ..._helm.metadata import Metadata
    from ..._oci.descriptor import Manifest
    from ..._oci.reference import Reference
    from ..artifact.file_lists import Digests
    from ..artifact.form import Blob
    from .chart_source import Loaded, Source

_PIECE = 256 * 1024
_SHOWN = 3


@dataclass
class ChartForm:
    """One chart for one reference. `annotations` are requested beside those that follow from its Chart.yaml."""

    reference: Reference
    source: Source
    annotations: t.Mapping[str, str] = field(default_factory=dict)
    _loaded: Loaded | None = None
    _metadata: Metadata | None = None
    _large: tuple[str, ...] = ()

    def check(self) -> None:
        """That what is known of the chart fits the reference."""
        metadata = self.source.metadata()
        if metadata is not None and (reason := self._mismatch(metadata)):
            raise InvalidOption("reference", reason)

    def close(self) -> None:
        """Forget the files of the chart."""
        self._loaded = None

    @property
    def metadata(self) -> Metadata:
        """What its Chart.yaml says."""
        return self._metadata or self._load().chart.metadata

    @property
    def tag(self) -> str | None:
        """The version: helm finds a chart by no other."""
        return self.metadata.tag

    def pack(self, compressor: Compressor, write: t.Callable[[bytes], object]) -> Layer:
        """The files as they are, or the archive as it is."""
        loaded = self._load()
        if loaded.packed is None:
            return self._content(loaded).pack(compressor, artifact.CHART_TYPE, write)
        for start in range(0, len(loaded.packed), _PIECE):
            write(loaded.packed[start : start + _PIECE])
        return self._as_it_is(loaded)

    def measure(self, found: Manifest) -> Layer | None:
        """The tar, hashed, or the archive if it is the one that is there."""
        loaded, layer = self._load(), artifact.chart_layer(found)
        if layer is None:
            return None
        if loaded.packed is None:
            return self._content(loaded).measure(layer)
        return self._as_it_is(loaded) if layer.digest == of_bytes(loaded.packed) else None

    def blobs(self) -> tuple[Blob, ...]:
        """The config as helm writes it, and the provenance file."""
        provenance = self._load().provenance
        config = self.metadata.config
        more = [(Descriptor.of(artifact.PROVENANCE_TYPE, provenance), provenance)] if provenance is not None else []
        return ((Descriptor.of(artifact.CONFIG_TYPE, config), config), *more)

    def manifest(self, layer: Layer, created: str | None) -> Manifest:
        """With the annotations that helm derives, and the requested ones over them."""
        (config, _bytes), *more = self.blobs()
        stamp = {CREATED: created} if created else {}
        annotations = {**stamp, **self._requested(), CONTENT: layer.content_digest}
        return artifact.manifest(config, [layer.descriptor, *(blob for blob, _bytes in more)], annotations)

    def refusal(self, found: Manifest, diff_id: str | None = None) -> str | None:
        """Why neither we nor helm would have made it of this chart."""
        del diff_id
        (config, _bytes), *more = self.blobs()
        return artifact.refusal(found, config, self._requested(), more[0][0] if more else None)

    def may_be(self, found: Manifest) -> bool:
        """Whether its manifest is that of this chart."""
        return self.refusal(found) is None

    def layer_of(self, found: Manifest) -> Descriptor | None:
        """The chart's layer, wherever it stands."""
        return artifact.chart_layer(found)

    def contents(self, gzipped: t.Iterable[bytes], layer: Layer) -> Contents | None:
        """What it holds, if we or helm packed the same chart; an archive that is taken as it is has no other."""
        loaded = self._load()
        if loaded.packed is not None:  # as it is, or not at all
            return None
        return contents(gzipped, layer.content_digest, lambda: loaded.chart.meaning)

    def names(self) -> Digests:
        """The files of the chart."""
        chart = self._load().chart
        found = {}
        for name, content in chart.files.items():
            full = f"{chart.metadata.name}/{name}"
            pieces = (tarball.header(full, len(content)), content, tarball.padding(len(content)))
            found[full] = hashlib.sha256(b"".join(pieces)).hexdigest()
        return found

    def describe(self, layer: Layer) -> dict[str, t.Any]:
        """Name, version, and the version as a tag."""
        del layer
        metadata = self.metadata
        return {"name": metadata.name, "version": metadata.version, "version_tag": metadata.tag}

    def warnings(self, layer: Layer, *, new: bool) -> t.Iterable[str]:
        """What helm 3 will not load."""
        del layer, new
        if self._large:
            shown = ", ".join(self._large[:_SHOWN])
            yield f"helm 3 loads no file of more than {HELM_3_FILE >> 20} MiB, so it will not load this chart: {shown}"

    def _load(self) -> Loaded:
        if self._loaded is None:
            loaded = self.source.load()
            if reason := self._mismatch(loaded.chart.metadata):
                raise InvalidChart(reason)
            self._metadata = loaded.chart.metadata
            self._large = tuple(name for name, content in loaded.chart.files.items() if len(content) > HELM_3_FILE)
            self._loaded = loaded
        return self._loaded

    def _mismatch(self, metadata: Metadata) -> str | None:
        """Helm finds a chart by its own name and version alone."""
        reference = self.reference
        if reference.repository.rpartition("/")[2] != metadata.name:
            return f"{reference}: helm wants a repository that ends in the chart's name, /{metadata.name}"
        if reference.tag is not None and reference.tag != metadata.tag:
            return f"{reference}: helm wants the chart's version as its tag, {metadata.tag}"
        return None

    def _requested(self) -> dict[str, str]:
        return {**self.metadata.annotations, **self.annotations}

    @staticmethod
    def _content(loaded: Loaded) -> Content:
        return Content(loaded.chart.tar(), Walk(files=len(loaded.chart.files)))

    @staticmethod
    def _as_it_is(loaded: Loaded) -> Layer:
        packed, digest = loaded.packed or b"", hashlib.sha256()
        size = 0

        def observe(piece: bytes) -> None:
            nonlocal size
            digest.update(piece)
            size += len(piece)

        files = sum(member.kind == "file" for member in Archive([packed], ARCHIVE, observe=observe))
        descriptor = Descriptor.of(artifact.CHART_TYPE, packed)
        return Layer(descriptor, f"sha256:{digest.hexdigest()}", size, Walk(files=files))
