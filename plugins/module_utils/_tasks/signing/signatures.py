# SPDX-License-Identifier: GPL-3.0-or-later
"""What every format of signatures has in common: how one is read from a registry, and what one asks of a format.

A failure to ask is raised and never read as "there is none": cosign and Flux fall back in silence there
(facts of cosign 3.1 pkg/oci/remote/signatures.go), which turns a throttled registry into an unsigned artifact.
"""

from __future__ import annotations

import io
import typing as t
from dataclasses import dataclass, field

from ..._registry.errors import BadAnswer, Unreachable
from ..._shared.errors import GitopsError

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.policy import Trust
    from ..._cosign.signer import Signer
    from ..._cosign.verdicts import Finding
    from ..._flux.version import FluxVersion
    from ..._oci.descriptor import Descriptor
    from ..._oci.reference import Reference
    from ..._registry.client import Registry

MAX_SIGNATURES = 1000  # of one artifact and format, as cosign has it (CVE-2023-46737)


class SignatureLost(GitopsError):
    """Other writers replaced a signature each time before it could be read back."""

    code = "signature_lost"


@dataclass(frozen=True)
class Stored:
    """One signature as the registry holds it.

    `content` is what the format keeps in a blob; None with `fault` where it could not be read as what it claims to be.
    A `fault` beside content is one of the place where it was found: whatever it says, it does not count here.
    `tampered` marks bytes that do not match their digest. `digest` is that of the layer or of the referrer.
    `beside` are the annotations of the layer.
    """

    digest: str
    content: bytes | None = None
    beside: t.Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    tampered: bool = False


class Format(t.Protocol):
    """A way to keep signatures beside an artifact. What differs between formats is asked here, and nowhere else."""

    name: str
    title: str  # in a sentence: "has a …"

    def listings(self, registry: Registry, repository: str, digest: str) -> t.Iterator[t.Iterator[Stored]]:
        """The signatures of `digest`, each read when it is asked for; a second listing takes the place of the first.

        For whoever stops where enough was found. BadAnswer where the registry has nonsense in that place.
        """

    def listing(self, registry: Registry, repository: str, digest: str, *, as_flux: bool = False) -> t.Iterator[Stored]:
        """All of them, from the place that a peer would look at first; `as_flux`: only where Flux would look."""

    def overlooked(self, registry: Registry) -> str:
        """Why cosign and Flux would not find what is written there, as far as it was asked; empty where they do."""

    def judge(
        self, stored: Stored, digest: str, trust: Trust, annotations: t.Mapping[str, str], *, as_flux: bool
    ) -> Finding:
        """What one of them, whose content could be read, proves; to Flux if `as_flux`."""

    def write(self, task: Writing) -> None:
        """Make a signature, and put it where listing() finds it."""

    def seen_by(self, version: FluxVersion, host: str, *, plain_http: bool) -> bool:
        """Whether that Flux looks for the format in the registry `host`."""

    def hides_others(self, stored: Stored) -> bool:
        """Whether Flux asks for no further format where it has found this, however its verification ends."""

    def claims(self, stored: Stored) -> dict[str, t.Any]:
        """What one says of itself, unproven, for a listing."""


@dataclass(frozen=True)
class Writing:
    """What is to be signed, where, by whom and with which annotations; `created` is RFC 3339 or None."""

    registry: Registry
    reference: Reference
    subject: Descriptor
    signer: Signer
    annotations: t.Mapping[str, str]
    created: str | None = None


def one_by_one(
    registry: Registry, found: t.Iterable[Descriptor], read: t.Callable[[Descriptor], Stored | None]
) -> t.Iterator[Stored]:
    """Each read when it is asked for, so that contents do not add up in memory; one deadline for all of them."""
    deadline = registry.session.deadline()
    for descriptor in found:
        if deadline.expired:
            raise Unreachable(
                f"registry {registry.host}: the deadline of {deadline.seconds:g} s has passed, and not all signatures"
                " were read",
                registry=registry.host,
            )
        stored = read(descriptor)
        if stored is not None:
            yield stored


def upload(registry: Registry, repository: str, descriptor: Descriptor, content: bytes, *, new: bool = False) -> None:
    """Store the bytes of a signature; `new` says that nobody can have them yet."""
    from ..._registry.uploads import upload_blob  # who verifies does not need it

    upload_blob(registry, repository, descriptor, lambda: io.BytesIO(content), new=new)


def is_tampered(error: Exception) -> bool:
    """Whether a registry's bytes did not match the digest that they were asked by."""
    return isinstance(error, BadAnswer) and "expected" in error.details
