# SPDX-License-Identifier: GPL-3.0-or-later
"""What is signed and attested: a manifest, as far as the registry has it by now."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._oci.descriptor import Descriptor, check_document
from ..._registry.errors import NotFound, RegistryError, is_not_started
from ..._shared.digest import of_bytes

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._oci.reference import Reference
    from ..._registry.client import Registry
    from ..._shared.errors import GitopsError


@dataclass(frozen=True)
class Subject:
    """Without a `descriptor` it is not there; `blocked` is why that cannot even be asked by now.

    In check mode an earlier task may be to start the registry, or to push what is not there.
    """

    reference: Reference
    descriptor: Descriptor | None = None
    blocked: GitopsError | None = None

    def required(self) -> Descriptor:
        """For a run; what it fails with where there is none."""
        if self.blocked is not None:
            raise self.blocked
        if self.descriptor is None:
            raise NotFound(f"reference: {self.reference} does not exist", reference=str(self.reference))
        return self.descriptor

    @property
    def warnings(self) -> list[str]:
        """What is to be said of one that is not there."""
        absent = self.descriptor is None and self.blocked is None
        return [f"{self.reference} is not in the registry"] if absent else []


def look(registry: Registry, reference: Reference) -> Subject:
    """By proven bytes, and not by a header's word. RegistryError's kinds, and MalformedManifest for other bytes."""
    try:
        found = registry.get_manifest(reference.repository, reference.pointer)
    except RegistryError as error:
        if not is_not_started(error):
            raise
        return Subject(reference, blocked=error)
    if found is None:
        return Subject(reference)
    check_document(found[0], found[1], str(reference))
    return Subject(reference, Descriptor(found[1], of_bytes(found[0]), len(found[0])))
