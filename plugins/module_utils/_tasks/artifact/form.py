# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of artifacts that can be pushed: how one is packed, and what of the registry is the same."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._artifact.compress import Compressor
    from ..._artifact.contents import Contents
    from ..._artifact.layer import Layer
    from ..._oci.descriptor import Descriptor, Manifest
    from .file_lists import Digests

Blob = tuple["Descriptor", bytes]


class Form(t.Protocol):
    """One thing to push. Nothing is asked of it before `check`; what it keeps in memory goes with `close`."""

    def check(self) -> None:
        """Raise InvalidOption, before the first request, for what cannot be packed."""

    def close(self) -> None:
        """Forget what was read: it will be read again if it must be."""

    @property
    def tag(self) -> str | None:
        """The one tag that it can have, and with which it is compared; None where any will do."""

    def pack(self, compressor: Compressor, write: t.Callable[[bytes], object]) -> Layer:
        """Hand the layer to `write`, piece by piece."""

    def measure(self, found: Manifest) -> Layer | None:
        """What packing would give, where the layer of `found` is it: nothing is compressed. None if it cannot be."""

    def blobs(self) -> tuple[Blob, ...]:
        """What the manifest refers to beside the layer, the config first."""

    def manifest(self, layer: Layer, created: str | None) -> Manifest:
        """The manifest; `created` is stamped on what is new."""

    def refusal(self, found: Manifest, diff_id: str | None = None) -> str | None:
        """Why `found` is not this, whatever its layer holds; None if it could be. `diff_id` is its layer's, if read."""

    def may_be(self, found: Manifest) -> bool:
        """Whether reading the layer of `found` can show that it is this."""

    def layer_of(self, found: Manifest) -> Descriptor | None:
        """The layer with the content; None where there is none, or more than one."""

    def contents(self, gzipped: t.Iterable[bytes], layer: Layer) -> Contents | None:
        """What another layer holds; None unless we or the peers' tool have written it."""

    def names(self) -> Digests:
        """Its entries, for a diff."""

    def describe(self, layer: Layer) -> dict[str, t.Any]:
        """What the task returns of it beside what all have."""

    def warnings(self, layer: Layer, *, new: bool) -> t.Iterable[str]:
        """What somebody should know of it; `new` says that it is not there yet."""
