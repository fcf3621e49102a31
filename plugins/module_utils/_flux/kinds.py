# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of Flux: how the API calls them, since which release, and where each keeps what it fetched or applied.

What is declared (declare/), judged (rules/check.py, by kind) and read from a cluster (status/) goes by these rows.

Sources: the API modules of source-, kustomize- and helm-controller, v1.10.1, v1.10.1 and v1.7.1. `since`: what the CRDs
of Flux 2.2.3 to 2.9.5 serve, as flux-operator 0.59.0 has them (config/data/flux); what 2.2.3 serves, since 2.0.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .version import FluxVersion

_SOURCES = "source.toolkit.fluxcd.io/v1"


@dataclass(frozen=True)
class Kind:
    """`since` is the first release of Flux that serves `api_version`.

    `revision` and `attempted` are paths in the status: of what is there now, and of what was tried last. `digest` is
    the path of the digest where the revision does not end in it.
    """

    name: str
    plural: str
    since: FluxVersion
    api_version: str = _SOURCES
    revision: tuple[str, ...] = ("artifact", "revision")
    attempted: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()
    verifiable: bool = False

    @property
    def group(self) -> str:
        """The API group, the same in all versions."""
        return self.api_version.partition("/")[0]

    def describes(self, manifest: t.Mapping[str, t.Any]) -> bool:
        """Whether an object is of this kind, in whichever version of the API."""
        return (str(manifest.get("apiVersion")).partition("/")[0], manifest.get("kind")) == (self.group, self.name)

    @property
    def is_source(self) -> bool:
        """Whether it fetches, and so advertises an artifact."""
        return self.revision[0] == "artifact"


OCI_REPOSITORY = Kind("OCIRepository", "ocirepositories", FluxVersion(2, 6), verifiable=True)
GIT_REPOSITORY = Kind("GitRepository", "gitrepositories", FluxVersion(2, 0), verifiable=True)
HELM_CHART = Kind("HelmChart", "helmcharts", FluxVersion(2, 3), verifiable=True)
HELM_REPOSITORY = Kind("HelmRepository", "helmrepositories", FluxVersion(2, 3))
BUCKET = Kind("Bucket", "buckets", FluxVersion(2, 4))
KUSTOMIZATION = Kind(
    "Kustomization",
    "kustomizations",
    FluxVersion(2, 0),
    "kustomize.toolkit.fluxcd.io/v1",
    ("lastAppliedRevision",),
    ("lastAttemptedRevision",),
)
HELM_RELEASE = Kind(
    "HelmRelease",
    "helmreleases",
    FluxVersion(2, 3),
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
