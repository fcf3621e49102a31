# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to a manifest: the referrers API, and the tag that stands in where a registry has none."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.proven.gitops.plugins.module_utils._artifact.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry


@dataclass(frozen=True)
class Referrers:
    """The manifests that name a digest as their subject; `api` is False where the fallback tag answered."""

    entries: tuple[Descriptor, ...]
    api: bool


def list_referrers(registry: Registry, repository: str, digest: str) -> Referrers:
    """All referrers of `digest`. An error of listing is raised: it never means that there are none."""
    raise NotImplementedError


def put_referrer(registry: Registry, repository: str, manifest: Manifest) -> None:
    """Push `manifest` by its digest, and make sure that listing the referrers of its subject shows it."""
    raise NotImplementedError
