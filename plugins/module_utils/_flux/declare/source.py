# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user declares: an OCIRepository, and the Kustomization that applies it.

Fields are Flux's own, in snake case; None (or an empty collection) is a field that is left out of the manifest.
Source: v1/ocirepository_types.go and v1/kustomization_types.go of the controllers' API modules, v1.10.1.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields, replace

from ..kinds import KUSTOMIZATION, OCI_REPOSITORY, Kind
from .identities import joined

Options = t.Mapping[str, t.Any]
T = t.TypeVar("T")

DEFAULT_KEYS = "cosign-pub"  # the Secret that Flux's own guide puts the public key into


def read(kind: type[T], options: Options) -> T:
    """An instance of `kind`, one of this file's classes, from options of the same names; what is None is left out."""
    values: dict[str, t.Any] = {}
    for one in fields(t.cast(t.Any, kind)):
        value = options.get(one.name)
        if value is None:
            continue
        inner = one.metadata.get("kind")
        if inner and one.metadata.get("many"):
            value = tuple(read(inner, entry) for entry in value)
        elif inner:
            value = read(inner, value)
        values[one.name] = value
    return kind(**values)


@dataclass(frozen=True)
class Ref:
    """Which artifact of the repository. Flux's own precedence is digest, semver, tag."""

    digest: str | None = None
    semver: str | None = None
    semver_filter: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Identity:
    """Who may have signed without a key: two Go regular expressions."""

    issuer: str
    subject: str


@dataclass(frozen=True)
class Verify:
    """How Flux proves an artifact: with the public keys of a Secret, or, without one, by identity.

    `match_oidc_identity` is None where nothing was said, and empty where somebody said so.
    """

    provider: str = "cosign"
    secret_ref: str | None = None
    match_oidc_identity: tuple[Identity, ...] | None = field(default=None, metadata={"kind": Identity, "many": True})
    trusted_root_secret_ref: str | None = None


@dataclass(frozen=True)
class LayerSelector:
    """Which layer Flux takes, and whether it unpacks it."""

    media_type: str | None = None
    operation: str | None = None


@dataclass(frozen=True)
class Dependency:
    """A Kustomization that has to be ready first."""

    name: str
    namespace: str | None = None


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """An object whose health decides."""

    api_version: str | None = None
    kind: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True)
class SubstituteFrom:
    """A ConfigMap or Secret whose data are variables."""

    kind: str
    name: str
    optional: bool | None = None


@dataclass(frozen=True)
class PostBuild:
    """Variables put into the manifests after they are built."""

    substitute: t.Mapping[str, t.Any] | None = None
    substitute_from: tuple[SubstituteFrom, ...] = field(default=(), metadata={"kind": SubstituteFrom, "many": True})


@dataclass(frozen=True)
class Kustomization:
    """What applies the artifact. Name and namespace are those of the source where they are not given."""

    name: str | None = None
    namespace: str | None = None
    labels: t.Mapping[str, t.Any] | None = None
    annotations: t.Mapping[str, t.Any] | None = None
    interval: str = "1h"
    retry_interval: str | None = None
    timeout: str | None = "5m"
    path: str | None = "."
    prune: bool = True
    wait: bool = True
    force: bool | None = None
    suspend: bool | None = None
    service_account_name: str | None = None
    target_namespace: str | None = None
    depends_on: tuple[Dependency, ...] = field(default=(), metadata={"kind": Dependency, "many": True})
    health_checks: tuple[HealthCheck, ...] = field(default=(), metadata={"kind": HealthCheck, "many": True})
    post_build: PostBuild | None = field(default=None, metadata={"kind": PostBuild})


@dataclass(frozen=True)
class Source:
    """An OCIRepository, and what this collection has to know about it to judge it.

    `verify` None is a source whose artifacts are not proven. `signature_format` is what they are signed with:
    `bundle`, `legacy`, `both`, or `auto` for what the Flux in question reads.
    """

    name: str
    url: str = ""
    namespace: str = "flux-system"
    labels: t.Mapping[str, t.Any] | None = None
    annotations: t.Mapping[str, t.Any] | None = None
    interval: str = "5m"
    timeout: str | None = None
    ref: Ref | None = field(default=None, metadata={"kind": Ref})
    layer_selector: LayerSelector | None = field(default=None, metadata={"kind": LayerSelector})
    ignore: str | None = None
    provider: str | None = None
    secret_ref: str | None = None
    service_account_name: str | None = None
    cert_secret_ref: str | None = None
    proxy_secret_ref: str | None = None
    insecure: bool | None = None
    suspend: bool | None = None
    verify: Verify | None = field(default=None, metadata={"kind": Verify})
    kustomization: Kustomization | None = field(default=None, metadata={"kind": Kustomization})
    signature_format: str = "auto"
    allow_loopback: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the objects that this declares, the OCIRepository first."""
        return (OCI_REPOSITORY, KUSTOMIZATION) if self.kustomization else (OCI_REPOSITORY,)

    @property
    def applier(self) -> tuple[str, str]:
        """Namespace and name of the Kustomization."""
        one = self.kustomization or Kustomization()
        return one.namespace or self.namespace, one.name or self.name


def declare(options: Options, *, unverified: bool) -> Source:
    """The source that options of a task mean, with what is left to us filled in: the newest version, proven with a key.

    `unverified` has to be said: without it a source is verified, with the keys of the Secret `cosign-pub` where
    neither a Secret nor an identity is named. Several identities become one where that says the same.
    """
    source = read(Source, options)
    ref = source.ref if source.ref and source.ref != Ref() else Ref(semver="*")
    verify = None if unverified else source.verify or Verify()
    if verify == Verify():
        verify = Verify(secret_ref=DEFAULT_KEYS)
    if verify and verify.match_oidc_identity:
        verify = replace(verify, match_oidc_identity=joined(verify.match_oidc_identity))
    return replace(source, ref=ref, verify=verify)
