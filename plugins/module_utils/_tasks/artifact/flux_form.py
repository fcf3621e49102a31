# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree as the artifact that the flux CLI would push."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._artifact import flux_artifact, yaml_check
from ..._artifact.annotations import CREATED
from ..._artifact.contents import Contents, contents
from ..._artifact.limits import Limits
from . import file_lists

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._artifact.compress import Compressor
    from ..._artifact.layer import Layer
    from ..._artifact.tree import Tree
    from ..._oci.descriptor import Descriptor, Manifest
    from .form import Blob

_SHOWN_LINKS = 10
_SHOWN_BROKEN = 5


@dataclass(frozen=True)
class FluxForm:
    """`annotations` are the requested ones: another value is a change."""

    tree: Tree
    annotations: t.Mapping[str, str]

    def check(self) -> None:
        """That there is a file to pack."""
        self.tree.check()

    def close(self) -> None:
        """Nothing is kept."""

    @property
    def tag(self) -> str | None:
        """None: Flux takes any tag."""
        return None

    def pack(self, compressor: Compressor, write: t.Callable[[bytes], object]) -> Layer:
        """The tree, packed as we pack trees."""
        return flux_artifact.pack(self.tree, compressor, write)

    def measure(self, found: Manifest) -> Layer | None:
        """The tree, hashed."""
        return flux_artifact.measure(self.tree, found.layers[0])

    def blobs(self) -> tuple[Blob, ...]:
        """The constant config."""
        return ((flux_artifact.CONFIG, flux_artifact.CONFIG_BYTES),)

    def manifest(self, layer: Layer, created: str | None) -> Manifest:
        """With the requested annotations, which win over the stamp."""
        stamp = {CREATED: created} if created else {}
        return flux_artifact.manifest(layer, {**stamp, **self.annotations})

    def refusal(self, found: Manifest, diff_id: str | None = None) -> str | None:
        """Why no Flux CLI would have made it with these annotations."""
        return flux_artifact.adoptable(found, self.annotations, diff_id)

    def may_be(self, found: Manifest) -> bool:
        """Whether all is right but, perhaps, a config that only the layer can explain."""
        return self.refusal(found) in (None, flux_artifact.UNKNOWN_CONFIG)

    def layer_of(self, found: Manifest) -> Descriptor | None:
        """Its first layer: a Flux artifact has no other."""
        return found.layers[0] if found.layers else None

    def contents(self, gzipped: t.Iterable[bytes], layer: Layer) -> Contents | None:
        """What it holds, if we or the flux CLI packed it."""
        return contents(gzipped, Limits(content=layer.content_size + (1 << 20)))

    def names(self) -> file_lists.Digests:
        """The entries of the tree."""
        return file_lists.names_here(self.tree)

    def describe(self, layer: Layer) -> dict[str, t.Any]:
        """The links that were left out."""
        return {"links_left_out": sorted(layer.walk.links)}

    def warnings(self, layer: Layer, *, new: bool) -> t.Iterable[str]:
        """A link that is left out may be what the rest cannot do without, and Flux fails on broken YAML."""
        if broken := yaml_check.broken(self.tree) if new else []:
            shown = "; ".join(broken[:_SHOWN_BROKEN])
            more = f"; and {len(broken) - _SHOWN_BROKEN} more" if len(broken) > _SHOWN_BROKEN else ""
            yield f"not valid YAML, so Flux cannot apply it: {shown}{more}"
        if layer.walk.links:
            links = sorted(layer.walk.links.items())
            shown = ", ".join(f"{name} ({reason})" if reason else name for name, reason in links[:_SHOWN_LINKS])
            more = f" and {len(links) - _SHOWN_LINKS} more" if len(links) > _SHOWN_LINKS else ""
            yield (
                f"symbolic links were left out, as Flux leaves them out: {shown}{more}."
                " Use resolve_symlinks to pack what they point to inside the tree, or name them in ignore"
            )
