# SPDX-License-Identifier: GPL-3.0-or-later
"""A signing config: with which certificate authority, logs and time stamp authorities one signs. Pure.

Source: sigstore/protobuf-specs, protos/sigstore_trustroot.proto, SigningConfig, Service and ServiceConfiguration.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from .._shared import shapes, strict_json
from .._shared.errors import InvalidOption

MEDIA_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
FULCIO_VERSIONS, REKOR_VERSIONS, TIMESTAMP_VERSIONS = (1,), (1, 2), (1,)


@dataclass(frozen=True)
class Service:
    """One service at its address, without a slash at the end; `version` is the major version of its API."""

    url: str
    version: int


@dataclass(frozen=True)
class SigningConfig:
    """The services to sign with. There may be no time stamp authority; where there is one, its stamps are promised."""

    fulcio: Service | None
    logs: tuple[Service, ...]
    timestamps: tuple[Service, ...]


def parse(raw: bytes, option: str, now: datetime.datetime) -> SigningConfig:
    """The services that are valid `now`, as the config selects them; InvalidOption says what is wrong with it."""
    try:
        value = strict_json.load_object(raw, "the signing config")
    except strict_json.MalformedJson as error:
        raise InvalidOption(option, error.message) from None
    if value.get("mediaType") != MEDIA_TYPE:
        found = shapes.text(value.get("mediaType"))[:100]
        raise InvalidOption(option, f"not a signing config of version 0.2: its mediaType is {found!r}")
    reading = _Reading(value, option, now)
    authorities = reading.services("caUrls", FULCIO_VERSIONS, None)
    return SigningConfig(
        authorities[0] if authorities else None,
        reading.services("rekorTlogUrls", REKOR_VERSIONS, "rekorTlogConfig"),
        reading.services("tsaUrls", TIMESTAMP_VERSIONS, "tsaConfig"),
    )


@dataclass(frozen=True)
class _Found:
    service: Service
    operator: str
    start: datetime.datetime


@dataclass(frozen=True)
class _Reading:
    value: t.Mapping[str, t.Any]
    option: str
    now: datetime.datetime

    def services(self, name: str, versions: t.Container[int], selection: str | None) -> tuple[Service, ...]:
        """One for each operator, the newest API first; as many as the selection asks for."""
        best: dict[str, _Found] = {}
        found = [one for item in shapes.mappings(self.value.get(name)) if (one := self._service(name, item, versions))]
        for one in sorted(found, key=lambda one: (one.service.version, one.start), reverse=True):
            best.setdefault(one.operator, one)
        chosen = tuple(one.service for one in best.values())
        return chosen if selection is None else self._selected(chosen, name, shapes.mapping(self.value.get(selection)))

    def _selected(self, found: tuple[Service, ...], name: str, selection: t.Mapping[str, t.Any]) -> tuple[Service, ...]:
        if selection.get("selector") in ("ALL", 1):
            return found
        if selection.get("selector") not in ("EXACT", 3):
            return found[:1]
        count = shapes.number(selection.get("count"))
        if not 0 < count <= len(found):
            raise InvalidOption(self.option, f"the config asks for {count} of {name}, and {len(found)} are valid today")
        return found[:count]

    def _service(self, name: str, item: t.Mapping[str, t.Any], versions: t.Container[int]) -> _Found | None:
        """None where it is not valid now, or speaks a version that we do not."""
        start, end = (self._time(shapes.at(item, "validFor", edge)) for edge in ("start", "end"))
        version, url = shapes.number(item.get("majorApiVersion")), shapes.text(item.get("url")).rstrip("/")
        if not url.startswith(("https://", "http://")):
            raise InvalidOption(self.option, f"{name}: {url[:100]!r} is not the address of a service")
        if version not in versions or (start and start > self.now) or (end and end < self.now):
            return None
        return _Found(Service(url, version), shapes.text(item.get("operator")), start or self.now)

    def _time(self, value: object) -> datetime.datetime | None:
        if value is None:
            return None
        try:
            found = datetime.datetime.fromisoformat(shapes.text(value))
        except ValueError:
            raise InvalidOption(self.option, f"{shapes.text(value)[:50]!r} is not a time") from None
        return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
