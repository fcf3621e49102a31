# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux's install manifests as data: what is in them, which Flux they are, and in which order they can be applied.

Sources: flux2, pkg/manifestgen/install and cmd/flux/cluster_info.go; fluxcd/pkg, ssa (definitions before the rest).
"""

from __future__ import annotations

import typing as t

from ..._shared import strict_yaml
from ..._shared.errors import InvalidOption
from ..._shared.object_id import ObjectId
from ..._shared.requirements import third_party
from ..._shared.shapes import at, mappings

with third_party():
    import yaml

Manifest = dict[str, t.Any]

MAX_LENGTH = 32 * 1024 * 1024  # characters; all components of Flux 2.9 together are 0.6 million
PART_OF, INSTANCE, VERSION = "app.kubernetes.io/part-of", "app.kubernetes.io/instance", "app.kubernetes.io/version"
MANAGED_BY = "app.kubernetes.io/managed-by"
SYNCED_BY = "kustomize.toolkit.fluxcd.io/name"
DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
GROUPS = ("fluxcd.io", "fluxcd.controlplane.io")

# Groups of the API server itself: what is in none of them is an object of some definition, and comes last.
_BUILT_IN = frozenset({"", "apps", "batch", "autoscaling", "policy"})
_WORKLOADS = frozenset({"apps", "batch"})


def load(text: str, option: str) -> list[Manifest]:
    """The objects in `text`, in the order in which they can be applied. InvalidOption for what is none of Flux's."""
    if len(text) > MAX_LENGTH:
        raise InvalidOption(option, f"larger than {MAX_LENGTH} characters")
    try:
        documents = [document for document in yaml.load_all(text, strict_yaml.loader()) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidOption(option, f"is not valid YAML: {strict_yaml.fault(error)}") from None
    objects = [_checked(document, option) for document in documents]
    if not any(is_of_flux(one) for one in objects):
        raise InvalidOption(option, "holds nothing of Flux: no definition or object of fluxcd.io, no component of it")
    known: set[ObjectId] = set()
    for one in map(ObjectId.of, objects):
        if one in known:
            raise InvalidOption(option, f"{one} is there twice")
        known.add(one)
    return sorted(objects, key=rank)


def _checked(document: t.Any, option: str) -> Manifest:
    known = document if isinstance(document, dict) else {}
    metadata = known.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    texts = [known.get("apiVersion"), known.get("kind"), metadata.get("name")]
    if not all(isinstance(text, str) and text for text in texts):
        raise InvalidOption(option, "holds a document that is no Kubernetes object with apiVersion, kind and a name")
    name = f"{known['kind']} {metadata['name']}"
    if not isinstance(metadata.get("namespace"), str | None):
        raise InvalidOption(option, f"{name}: its metadata.namespace is no text")
    for what in ("labels", "annotations"):
        found = metadata.get(what)
        if not isinstance(found, dict | None) or not all(isinstance(one, str) for one in (found or {}).values()):
            raise InvalidOption(option, f"{name}: its metadata.{what} is no map of texts")
    if not _is_json(document):
        raise InvalidOption(option, f"{name}: holds a date, or a key that is no text: put it in quotes")
    return t.cast("Manifest", document)


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(one) for key, one in value.items())
    if isinstance(value, list):
        return all(_is_json(one) for one in value)
    return value is None or isinstance(value, str | int | float)


def is_of_flux(manifest: Manifest) -> bool:
    """Whether it is a component of Flux, or a definition or an object of its groups (or its operator's)."""
    name = str(manifest["metadata"]["name"])
    group = name.partition(".")[2] if is_definition(manifest) else ObjectId.of(manifest).group
    return is_component(manifest) or any(group == one or group.endswith(f".{one}") for one in GROUPS)


def is_component(manifest: Manifest) -> bool:
    """Whether it is labelled as a part of Flux, as all of its install manifests are."""
    return (manifest["metadata"].get("labels") or {}).get(PART_OF) == "flux"


def is_definition(manifest: t.Mapping[str, t.Any]) -> bool:
    return (manifest["apiVersion"], manifest["kind"]) == DEFINITION


def rank(manifest: t.Mapping[str, t.Any]) -> int:
    """Namespaces, definitions, what workloads need, workloads, and last the objects of definitions."""
    group = manifest["apiVersion"].rpartition("/")[0]
    if (group, manifest["kind"]) == ("", "Namespace"):
        return 0
    if is_definition(manifest):
        return 1
    if group in _WORKLOADS:
        return 3
    return 2 if group in _BUILT_IN or group.endswith(".k8s.io") else 4


def version_of(manifests: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """The release of Flux that these objects are labelled with, such as `v2.9.5`; empty where none says it."""
    for one in manifests:
        labels = one["metadata"].get("labels") or {}
        if labels.get(PART_OF) == "flux" and labels.get(VERSION):
            return str(labels[VERSION])
    return ""


def images(manifest: t.Mapping[str, t.Any]) -> list[str]:
    """The images of a workload's containers."""
    containers = mappings(at(manifest, "spec", "template", "spec", "containers"))
    return [str(one.get("image")) for one in containers]
