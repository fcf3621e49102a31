# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux's install manifests as data: what is in them, which Flux they are, and in which order they can be applied.

Sources: flux2, pkg/manifestgen/install and cmd/flux/cluster_info.go; fluxcd/pkg, ssa (definitions before the rest).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._shared.errors import InvalidOption
from ..._shared.requirements import third_party

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


@dataclass(frozen=True, order=True)
class ObjectId:
    """What identifies an object in a cluster. `namespace` is empty for what belongs to the cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: t.Mapping[str, t.Any]) -> ObjectId:
        """The identity of a manifest that `load` has checked."""
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata.get("namespace") or "", metadata["name"])

    @property
    def group(self) -> str:
        """The API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Resource(t.NamedTuple):
    """How the API calls the objects of a kind in its paths."""

    plural: str
    namespaced: bool


def load(text: str, option: str) -> list[Manifest]:
    """The objects in `text`, in the order in which they can be applied. InvalidOption for what is none of Flux's."""
    if len(text) > MAX_LENGTH:
        raise InvalidOption(option, f"larger than {MAX_LENGTH} characters")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Both loaders are safe ones; the C one is twenty times as fast, and need not be there.
        documents = [document for document in yaml.load_all(text, loader) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidOption(option, f"is not valid YAML: {' '.join(str(error).split())[:200]}") from None
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
    metadata = document.get("metadata") if isinstance(document, dict) else None
    named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
    texts = [document.get("apiVersion"), document.get("kind")] if named else [None]
    if not all(isinstance(text, str) and text for text in texts):
        raise InvalidOption(option, "holds a document that is no Kubernetes object with apiVersion, kind and a name")
    return t.cast("Manifest", document)


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


def rank(manifest: Manifest) -> int:
    """Namespaces, definitions, what workloads need, workloads, and last the objects of definitions."""
    group = manifest["apiVersion"].rpartition("/")[0]
    if (group, manifest["kind"]) == ("", "Namespace"):
        return 0
    if is_definition(manifest):
        return 1
    if group in _WORKLOADS:
        return 3
    return 2 if group in _BUILT_IN or group.endswith(".k8s.io") else 4


def resources(manifests: t.Iterable[Manifest]) -> dict[tuple[str, str], Resource]:
    """What the definitions among `manifests` will make the API serve, by API version and kind."""
    found: dict[tuple[str, str], Resource] = {}
    for one in manifests:
        if is_definition(one):
            spec = one["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[key] = Resource(spec["names"]["plural"], spec["scope"] == "Namespaced")
    return found


def version_of(manifests: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """The release of Flux that these objects are labelled with, such as `v2.9.5`; empty where none says it."""
    for one in manifests:
        labels = one["metadata"].get("labels") or {}
        if labels.get(PART_OF) == "flux" and labels.get(VERSION):
            return str(labels[VERSION])
    return ""


def images(manifest: t.Mapping[str, t.Any]) -> list[str]:
    """The images of a workload's containers."""
    pod = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [str(one.get("image")) for one in pod.get("containers") or []]
