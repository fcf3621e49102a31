# SPDX-License-Identifier: GPL-3.0-or-later
"""Chart.yaml: what helm makes of it, whether it is valid, and the config and annotations that follow from it.

Sources: helm v4.3.1 pkg/chart/v2/metadata.go (fields, rules), pkg/chart/v2/loader/load.go (API version, requirements),
pkg/registry/chart.go (annotations) and client.go (config); the image specification's annotations.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._artifact.annotations import SOURCE
from .._shared import semver, strict_json, strict_yaml
from . import values
from .errors import InvalidChart

CHART_YAML = "Chart.yaml"
REQUIREMENTS = "requirements.yaml"
MAX_LENGTH = 1 << 20
"""Bytes of a Chart.yaml. Its fields become a config and annotations, which registries bound at 4 MiB."""

_IMAGE = "org.opencontainers.image."
TITLE, VERSION = f"{_IMAGE}title", f"{_IMAGE}version"
OWN = (TITLE, VERSION)
"""The annotations that are the chart's name and version, whatever anybody says."""

# In the order of helm's struct, which is that of the config.
_TEXTS = ("name", "home", "description", "icon", "condition", "tags", "appVersion", "kubeVersion")
_VERBATIM = ("version", "apiVersion", "type")
_ORDER = (
    *("name", "home", "sources", "version", "description", "keywords", "maintainers", "icon", "apiVersion"),
    *("condition", "tags", "appVersion", "deprecated", "annotations", "kubeVersion", "dependencies", "type"),
)


@dataclass(frozen=True)
class Metadata:
    """The fields of a valid Chart.yaml, in the config's order, empty ones left out."""

    fields: t.Mapping[str, t.Any]

    @property
    def name(self) -> str:
        return str(self.fields["name"])

    @property
    def version(self) -> str:
        return str(self.fields["version"])

    @property
    def tag(self) -> str:
        """The version as a tag: a + cannot be in one, and helm reads every _ as a +."""
        return self.version.replace("+", "_")

    @property
    def api_version(self) -> str:
        return str(self.fields["apiVersion"])

    @property
    def dependencies(self) -> list[values.Document]:
        return list(self.fields.get("dependencies", []))

    @property
    def config(self) -> bytes:
        """The config blob, byte for byte as helm writes it."""
        return strict_json.compact(dict(self.fields)).decode().translate(strict_json.GO_ESCAPES).encode()

    @property
    def annotations(self) -> dict[str, str]:
        """The manifest's annotations, without the time of creation that helm adds."""
        read = self.fields.get
        sources = read("sources", [])
        derived = {
            f"{_IMAGE}description": read("description", ""),
            TITLE: self.name,
            VERSION: self.version,
            f"{_IMAGE}url": read("home", ""),
            SOURCE: sources[0] if sources else "",
            f"{_IMAGE}authors": ", ".join(map(_author, read("maintainers", []))),
        }
        own = {key: value for key, value in read("annotations", {}).items() if key not in OWN}
        return {**{key: value for key, value in derived.items() if value.strip()}, **own}

    def with_requirements(self, data: bytes, what: str) -> Metadata:
        """With the dependencies of a requirements.yaml, which take the place of those that it has."""
        given = _load(data, what)
        values.check_keys(given, _ORDER, what)
        if other := sorted(given.keys() & set(_ORDER) - {"dependencies"}):
            raise InvalidChart(f"{what}: {other[0]} belongs into {CHART_YAML}")
        if "dependencies" not in given:
            return self
        fields = {**self.fields, "dependencies": values.dependencies(given["dependencies"], f"{what}: dependencies")}
        return replace(self, fields=_ordered(fields))


def read(data: bytes, what: str = CHART_YAML) -> Metadata:
    """The metadata in a Chart.yaml; InvalidChart where helm would not load it, or others could read something else."""
    given = _load(data, what)
    values.check_keys(given, _ORDER, what)
    fields: dict[str, t.Any] = {key: values.sanitized(values.text(given.get(key), f"{what}: {key}")) for key in _TEXTS}
    fields |= {key: values.text(given.get(key), f"{what}: {key}") for key in _VERBATIM}
    fields |= {key: values.texts(given.get(key), f"{what}: {key}") for key in ("sources", "keywords")}
    fields["maintainers"] = values.maintainers(given.get("maintainers"), f"{what}: maintainers")
    fields["annotations"] = values.text_map(given.get("annotations"), f"{what}: annotations")
    fields["deprecated"] = values.truth(given.get("deprecated"), f"{what}: deprecated")
    fields["dependencies"] = values.dependencies(given.get("dependencies"), f"{what}: dependencies")
    fields["apiVersion"] = fields["apiVersion"] or "v1"  # as helm 2 wrote charts
    _check(fields, what)
    return Metadata(_ordered(fields))


def is_written(data: bytes) -> bool:
    """Whether a Chart.yaml can be helm's own writing: none but the known fields, in their order, and no comment."""
    given = _load(data, CHART_YAML)
    return list(given) == sorted(given) and given.keys() <= set(_ORDER) and not strict_yaml.has_comments(data.decode())


def _load(data: bytes, what: str) -> dict[str, t.Any]:
    try:
        return strict_yaml.load_map(data, what, MAX_LENGTH)
    except strict_yaml.MalformedYaml as error:
        raise InvalidChart(error.message) from None


def _ordered(fields: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: fields[key] for key in _ORDER if fields.get(key)}


def _check(fields: t.Mapping[str, t.Any], what: str) -> None:
    """Helm's own rules, and that the API version is one of the two that there are."""
    name, version = fields["name"], fields["version"]
    if fields["apiVersion"] not in ("v1", "v2"):
        raise InvalidChart(f"{what}: apiVersion is {fields['apiVersion'][:80]!r}, and helm knows v1 and v2")
    if not name or name in (".", "..") or "/" in name:
        raise InvalidChart(f"{what}: {'name is missing' if not name else f'{name[:80]!r} cannot be a name'}")
    if not semver.is_loose(version):
        raise InvalidChart(f"{what}: the version {version[:80]!r} is not one of SemVer, such as 1.2.3")
    if fields["type"] not in ("", "application", "library"):
        raise InvalidChart(f"{what}: the type is {fields['type'][:80]!r}, not application or library")


def _author(maintainer: t.Mapping[str, str]) -> str:
    email = maintainer.get("email")
    return maintainer.get("name", "") + (f" ({email})" if email else "")
