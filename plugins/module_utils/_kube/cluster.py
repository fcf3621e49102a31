# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of kinds that are known only when they are met: where the API serves them, and how they are let go."""

from __future__ import annotations

import typing as t

from .._shared import strict_json
from .client import FIELD_MANAGER, Address, KubeClient, Object
from .errors import NotInstalled
from .status import Status
from .transport import Transport

_MERGE = "application/merge-patch+json"


class Served(t.NamedTuple):
    """How the API calls the objects of a kind in its paths."""

    plural: str
    namespaced: bool


class KubeCluster(KubeClient):
    """One cluster, with the discovery of its API. Every method raises KubeError's kinds."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._served: dict[str, dict[str, Served]] = {}

    def locate(self, api_version: str, kind: str, namespace: str, name: str) -> Address:
        """The address of an object of any kind. NotInstalled where the API does not serve the kind."""
        served = self.served(api_version).get(kind)
        if served is None:
            self._served.pop(api_version, None)  # its definition may come yet
            raise NotInstalled(f"{kind} {name}: {self.host} has no {kind} in {api_version}", host=self.host)
        return Address(api_version, kind, served.plural, namespace if served.namespaced else "", name)

    def served(self, api_version: str) -> t.Mapping[str, Served]:
        """The kinds of an API version (`v1`, `apps/v1`) that have objects; none if it is unknown."""
        if api_version in self._served:
            return self._served[api_version]
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        answer = self._transport.request("GET", path, {})
        if answer.status == 404:
            return {}
        listing = self._object(answer, Address(api_version, "APIResourceList", "", "", ""), "get")
        found: dict[str, Served] = {}
        for one in listing.get("resources") or []:
            if "/" not in str(one.get("name")):  # those are subresources
                found[str(one.get("kind"))] = Served(str(one.get("name")), bool(one.get("namespaced")))
        self._served[api_version] = found
        return found

    def release(self, address: Address, *, dry_run: bool) -> None:
        """Remove the object's finalizers: nobody is left to act on them. It is fine if the object is gone already."""
        query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
        body: Object = {"metadata": {"finalizers": None}}
        answer = self._transport.request("PATCH", address.path, query, strict_json.compact(body), _MERGE)
        if answer.status == 404 and Status.parse(404, answer.body).name == address.name:
            return
        self._object(answer, address, "patch")
