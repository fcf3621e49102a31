# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of Flux that reconcile on request, and where each of them keeps what it fetched or applied.

Source: the API modules of source-, kustomize- and helm-controller, v1.10.1, v1.10.1 and v1.7.1.
"""

from __future__ import annotations

from dataclasses import dataclass

_SOURCES = "source.toolkit.fluxcd.io/v1"


@dataclass(frozen=True)
class Kind:
    """`revision` and `attempted` are paths in the status: of what is there now, and of what was tried last.

    `digest` is the path of the digest where the revision does not end in it.
    """

    name: str
    plural: str
    api_version: str = _SOURCES
    revision: tuple[str, ...] = ("artifact", "revision")
    attempted: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()
    verifiable: bool = False

    @property
    def is_source(self) -> bool:
        """Whether it fetches, and so advertises an artifact."""
        return self.revision[0] == "artifact"


OCI_REPOSITORY = Kind("OCIRepository", "ocirepositories", verifiable=True)
GIT_REPOSITORY = Kind("GitRepository", "gitrepositories", verifiable=True)
HELM_CHART = Kind("HelmChart", "helmcharts", verifiable=True)
HELM_REPOSITORY = Kind("HelmRepository", "helmrepositories")
BUCKET = Kind("Bucket", "buckets")
KUSTOMIZATION = Kind(
    "Kustomization",
    "kustomizations",
    "kustomize.toolkit.fluxcd.io/v1",
    ("lastAppliedRevision",),
    ("lastAttemptedRevision",),
)
HELM_RELEASE = Kind(
    "HelmRelease",
    "helmreleases",
    "helm.toolkit.fluxcd.io/v2",
    ("lastAttemptedRevision",),
    ("lastAttemptedRevisionDigest",),
    ("lastAttemptedRevisionDigest",),
)

KINDS = {
    kind.name: kind
    for kind in (
        OCI_REPOSITORY,
        KUSTOMIZATION,
        GIT_REPOSITORY,
        HELM_RELEASE,
        HELM_CHART,
        HELM_REPOSITORY,
        BUCKET,
    )
}
VERIFIABLE = tuple(name for name, kind in KINDS.items() if kind.verifiable)
