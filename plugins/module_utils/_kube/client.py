# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the Kubernetes API that use-cases need: find, read, apply on the server, annotate, delete."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import quote

from .._shared import strict_json
from .._shared.object_id import ObjectId
from .._shared.shapes import mapping, mappings
from .._shared.strict_json import MalformedJson
from .errors import BadAnswer, NotInstalled
from .known import KNOWN, Served
from .objects import fault
from .status import Status, error_of
from .transport import Answer, Transport

FIELD_MANAGER = "proven.gitops"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_MERGE = "application/merge-patch+json"
_PAGE = 250  # objects in one answer of a list
_PAGES = 400

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Address:
    """Where one object is, or with an empty name a collection. `plural` is the resource's name in paths."""

    id: ObjectId
    plural: str

    @property
    def collection(self) -> str:
        """The path of all objects of this kind, in the namespace or, without one, in all of them."""
        root = "apis" if "/" in self.id.api_version else "api"
        inside = f"namespaces/{_segment(self.id.namespace)}/" if self.id.namespace else ""
        return f"/{root}/{self.id.api_version}/{inside}{self.plural}"

    @property
    def path(self) -> str:
        """The path below the API server's address."""
        return f"{self.collection}/{_segment(self.id.name)}"

    def __str__(self) -> str:
        return str(self.id)


def _segment(name: str) -> str:
    """A name as one part of a path, whatever is in it; those of RBAC have colons."""
    return quote(name, safe=":")


class KubeClient:
    """One cluster, as seen with one set of credentials. Every method raises KubeError's kinds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._served: dict[str, dict[str, Served]] = {}
        self.host = transport.connection.host

    def locate(self, identity: ObjectId) -> Address:
        """The address of an object, or of a collection. NotInstalled where the API does not serve the kind.

        The API is asked only for kinds that are not known beforehand.
        """
        served = KNOWN.get((identity.api_version, identity.kind)) or self._discover(identity)
        namespace = identity.namespace if served.namespaced else ""
        return Address(ObjectId(identity.api_version, identity.kind, namespace, identity.name), served.plural)

    def get(self, address: Address) -> Object | None:
        """The object, or None; NotInstalled where the cluster does not know its kind."""
        answer = self._transport.request("GET", address.path, {})
        return None if self._is_gone(answer, address) else self._object(answer, address, "get")

    def apply(self, address: Address, manifest: t.Mapping[str, t.Any], *, dry_run: bool, force: bool) -> Object:
        """Server-side apply; the object as it is (dry run: would be) afterwards. Unknown fields are refused."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        answer = self._transport.request("PATCH", address.path, query, strict_json.compact(dict(manifest)), _APPLY)
        return self._object(answer, address, "patch")

    def annotate(self, address: Address, annotations: t.Mapping[str, str], *, dry_run: bool) -> Object | None:
        """Set these annotations, whoever else manages them, and nothing else; None where the object is gone."""
        return self._merge(address, {"annotations": dict(annotations)}, dry_run)

    def release(self, address: Address, *, dry_run: bool) -> None:
        """Remove the object's finalizers: nobody is left to act on them. It is fine if the object is gone already."""
        self._merge(address, {"finalizers": None}, dry_run)

    def find(self, collection: Address, *, label_selector: str = "") -> t.Iterator[Object]:
        """The objects of a kind, page by page: in a namespace, or in all of them where `collection` names none.

        A name in `collection` selects by it. NotInstalled where the cluster does not know the kind.
        """
        query = {"limit": str(_PAGE)}
        if collection.id.name:
            query["fieldSelector"] = f"metadata.name={collection.id.name}"
        if label_selector:
            query["labelSelector"] = label_selector
        for _page in range(_PAGES):
            answer = self._transport.request("GET", collection.collection, query)
            value = self._object(answer, collection, "list")
            yield from self._listed(value, collection)
            token = mapping(value.get("metadata")).get("continue")
            if not isinstance(token, str) or not token:
                return
            query["continue"] = token
        raise BadAnswer(f"{self.host}: a list of {collection.plural} that does not end", host=self.host)

    def delete(self, address: Address, uid: str, *, dry_run: bool) -> None:
        """Delete the object that has `uid`; it is fine if it is gone already."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        if dry_run:
            options["dryRun"] = ["All"]
        answer = self._transport.request("DELETE", address.path, {}, strict_json.compact(options), "application/json")
        if not self._is_gone(answer, address):
            self._object(answer, address, "delete")

    def proxy(self, namespace: str, service: str, port: str, path: str) -> tuple[int, str]:
        """What a service answers to a GET over plain HTTP, by way of the API server: status and text."""
        target = f"/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy/{path.lstrip('/')}"
        answer = self._transport.request("GET", target, {})
        return answer.status, answer.body.decode("utf-8", "replace")

    def _merge(self, address: Address, metadata: Object, dry_run: bool) -> Object | None:
        query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
        answer = self._transport.request(
            "PATCH", address.path, query, strict_json.compact({"metadata": metadata}), _MERGE
        )
        return None if self._is_gone(answer, address) else self._object(answer, address, "patch")

    def _discover(self, identity: ObjectId) -> Served:
        version, kind = identity.api_version, identity.kind
        if kind not in self._served.get(version, {}):  # its definition may have come since
            self._served[version] = self._resources(version)
        served = self._served[version].get(kind)
        if served is None:
            raise NotInstalled(f"{kind} {identity.name}: {self.host} has no {kind} in {version}", host=self.host)
        return served

    def _resources(self, version: str) -> dict[str, Served]:
        """The kinds of an API version that have objects; none if it is unknown."""
        answer = self._transport.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}", {})
        if answer.status == 404:
            return {}
        listing = self._object(answer, Address(ObjectId(version, "APIResourceList", "", ""), ""), "get")
        found: dict[str, Served] = {}
        for one in mappings(listing.get("resources")):
            if "/" not in str(one.get("name")):  # those are subresources
                found[str(one.get("kind"))] = Served(str(one.get("name")), one.get("namespaced") is True)
        return found

    @staticmethod
    def _is_gone(answer: Answer, address: Address) -> bool:
        return answer.status == 404 and Status.parse(404, answer.body).name == address.id.name

    def _object(self, answer: Answer, address: Address, verb: str) -> Object:
        connection = self._transport.connection
        if not 200 <= answer.status < 300:
            body = answer.body
            for sent in connection.headers().values():  # no server gets to repeat our token in a task's result
                body = body.replace(sent.rpartition(" ")[2].encode(), b"***")
            raise error_of(Status.parse(answer.status, body), str(address), verb, connection.host, connection.origin)
        try:
            value = strict_json.load_object(answer.body, f"{connection.host}: {address}")
        except MalformedJson as error:
            raise BadAnswer(
                f"{error.message} (is this the address of a Kubernetes API?)", host=connection.host
            ) from None
        self._check(value, address)
        return value

    def _listed(self, value: Object, collection: Address) -> t.Iterator[Object]:
        """The objects of a list. What is none must not pass for an empty one."""
        found = value.get("items")
        if "items" not in value or not isinstance(found, list | None) or len(mappings(found)) != len(found or []):
            raise BadAnswer(f"{self.host}: {collection}: the answer is no list of objects", host=self.host)
        for one in mappings(found):
            self._check(one, collection)
            yield one

    def _check(self, value: Object, address: Address) -> None:
        """What every reader may rely on: of metadata, nothing has another shape than Kubernetes gives it."""
        wrong = fault(value)
        if wrong:
            raise BadAnswer(f"{self.host}: {address}: {wrong}, as in no answer of a Kubernetes API", host=self.host)
