# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared source as Kubernetes manifests: plain data, keys in the order apiVersion, kind, metadata, spec."""

from __future__ import annotations

import re
import typing as t
from dataclasses import fields, is_dataclass

from ..._shared.object_id import ObjectId
from ..kinds import OCI_REPOSITORY, Kind
from .declaration import Declaration, Manifest
from .source import Kustomization, Source

_METADATA = ("name", "namespace", "labels", "annotations")
_NOT_SPEC = (*_METADATA, "kustomization", "signature_format", "allow_loopback")
_SPELLED = {"match_oidc_identity": "matchOIDCIdentity"}


def keys(source: Source) -> list[ObjectId]:
    """The objects that `source` names, the OCIRepository first."""
    return [ObjectId(one.kind.api_version, one.kind.name, one.namespace, one.name) for one in declarations(source)]


def manifests(source: Source) -> list[Manifest]:
    """The OCIRepository and, where one is declared, its Kustomization."""
    return [one.manifest() for one in declarations(source)]


def declarations(source: Source) -> list[Declaration]:
    """The same, before they are put down as manifests."""
    kinds = source.kinds
    found = [_declaration(kinds[0], source, (source.namespace, source.name), _spec(source, _NOT_SPEC))]
    for kind in kinds[1:]:
        applier = source.kustomization or Kustomization()
        reference = {"kind": OCI_REPOSITORY.name, "name": source.name}
        if source.applier[0] != source.namespace:
            reference["namespace"] = source.namespace
        spec = {"sourceRef": reference, **_spec(applier, _METADATA)}
        found.append(_declaration(kind, applier, source.applier, spec))
    return found


def _declaration(kind: Kind, value: Source | Kustomization, address: tuple[str, str], spec: Manifest) -> Declaration:
    return Declaration(kind, *address, spec, value.labels or {}, value.annotations or {})


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


def option(number: int, path: tuple[str | int, ...]) -> str:
    """The option that a place in the manifest of that number comes from: `kustomization.path`, `verify.provider`."""
    names = [re.sub(r"(?<=[a-z])[A-Z]+", lambda upper: f"_{upper[0].lower()}", str(part)) for part in path[1:]]
    return ".".join(["kustomization", *names] if number else names)
