# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared source as Kubernetes manifests: plain data, keys in the order apiVersion, kind, metadata, spec."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields, is_dataclass

from .source import Source

Manifest = dict[str, t.Any]

OCI_REPOSITORY = ("source.toolkit.fluxcd.io/v1", "OCIRepository")
KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
PLURALS = {OCI_REPOSITORY: "ocirepositories", KUSTOMIZATION: "kustomizations"}

_METADATA = ("name", "namespace", "labels", "annotations")
_NOT_SPEC = (*_METADATA, "kustomization", "signature_format", "allow_loopback")
_SPELLED = {"match_oidc_identity": "matchOIDCIdentity"}


@dataclass(frozen=True)
class ObjectKey:
    """What identifies an object in a cluster or a file."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: t.Mapping[str, t.Any]) -> ObjectKey:
        """The key of a manifest of ours."""
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])

    @property
    def plural(self) -> str:
        """The resource's name in the path of the API."""
        return PLURALS[self.api_version, self.kind]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def keys(source: Source) -> list[ObjectKey]:
    """The objects that `source` names, the OCIRepository first."""
    found = [ObjectKey(*OCI_REPOSITORY, source.namespace, source.name)]
    if source.kustomization:
        found.append(ObjectKey(*KUSTOMIZATION, *source.applier))
    return found


def manifests(source: Source) -> list[Manifest]:
    """The OCIRepository and, where one is declared, its Kustomization."""
    found = [_manifest(OCI_REPOSITORY, _metadata(source, source.namespace, source.name), _spec(source, _NOT_SPEC))]
    if source.kustomization:
        namespace, name = source.applier
        reference = {"kind": OCI_REPOSITORY[1], "name": source.name}
        if namespace != source.namespace:
            reference["namespace"] = source.namespace
        spec = {"sourceRef": reference, **_spec(source.kustomization, _METADATA)}
        found.append(_manifest(KUSTOMIZATION, _metadata(source.kustomization, namespace, name), spec))
    return found


def _manifest(kind: tuple[str, str], metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec}


def _metadata(value: t.Any, namespace: str, name: str) -> Manifest:
    metadata: Manifest = {"name": name, "namespace": namespace}
    for what in ("labels", "annotations"):
        chosen: t.Mapping[str, str] = getattr(value, what) or {}
        if chosen:
            metadata[what] = {key: chosen[key] for key in sorted(chosen)}
    return metadata


def _spec(value: t.Any, without: tuple[str, ...] = ()) -> Manifest:
    """The fields of a dataclass that are set, as Flux spells them."""
    spec: Manifest = {}
    for one in fields(value):
        content = getattr(value, one.name)
        if one.name in without or content is None or content in ((), {}):
            continue
        spec[_camel(one.name)] = {"name": content} if one.name.endswith("secret_ref") else _plain(content)
    return spec


def _plain(content: t.Any) -> t.Any:
    if is_dataclass(content):
        return _spec(content)
    if isinstance(content, tuple):
        return [_plain(entry) for entry in content]
    if isinstance(content, t.Mapping):
        return {key: content[key] for key in sorted(content)}
    return content


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return _SPELLED.get(name, head + "".join(part.capitalize() for part in tail))
