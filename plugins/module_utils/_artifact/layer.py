# SPDX-License-Identifier: GPL-3.0-or-later
"""What packing a tree results in, whatever kind of artifact it becomes."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from .._oci.descriptor import Descriptor
from .tree import Walk

if t.TYPE_CHECKING:  # pragma: no cover
    from .compress import Compressor


@dataclass(frozen=True)
class Layer:
    """A packed tree: the gzip's descriptor, the digest and size in bytes of the tar inside, and what the walk met."""

    descriptor: Descriptor
    content_digest: str
    content_size: int
    walk: Walk = field(default_factory=Walk, compare=False)


class Content:
    """A tar on its way: its digest and its size, once it has gone through; `walk` is what it was made of."""

    def __init__(self, tar: t.Iterable[bytes], walk: Walk) -> None:
        self._tar = tar
        self._hash = hashlib.sha256()
        self._size = 0
        self._walk = walk

    def measure(self, descriptor: Descriptor) -> Layer:
        """What the tar has for a digest and a size, without compressing it; `descriptor` is taken over."""
        for _piece in self._stream():
            pass
        return self._layer(descriptor)

    def pack(self, compressor: Compressor, media_type: str, write: t.Callable[[bytes], object]) -> Layer:
        """Hand the gzip to `write` piece by piece; memory stays flat whatever its size."""
        packed, size = hashlib.sha256(), 0
        for piece in compressor.gzip(self._stream()):
            packed.update(piece)
            size += len(piece)
            write(piece)
        return self._layer(Descriptor(media_type, f"sha256:{packed.hexdigest()}", size))

    def _stream(self) -> t.Iterator[bytes]:
        for piece in self._tar:
            self._hash.update(piece)
            self._size += len(piece)
            yield piece

    def _layer(self, descriptor: Descriptor) -> Layer:
        return Layer(descriptor, f"sha256:{self._hash.hexdigest()}", self._size, self._walk)
