# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the Kubernetes API that use-cases need: read one object, apply it on the server, delete it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._shared import strict_json
from .._shared.strict_json import MalformedJson
from .errors import BadAnswer
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
    """Where one object is. `api_version` is `group/version`, or the core's `v1`; `plural` the resource's name in paths.

    `namespace` is empty for what belongs to the cluster, such as a Namespace.
    """

    api_version: str
    kind: str
    plural: str
    namespace: str
    name: str

    @property
    def collection(self) -> str:
        """The path of all objects of this kind, in the namespace or, without one, in all of them."""
        root = "apis" if "/" in self.api_version else "api"
        inside = f"namespaces/{self.namespace}/" if self.namespace else ""
        return f"/{root}/{self.api_version}/{inside}{self.plural}"

    @property
    def path(self) -> str:
        """The path below the API server's address."""
        return f"{self.collection}/{self.name}"

    def __str__(self) -> str:
        name = self.name or "*"
        return f"{self.kind} {self.namespace}/{name}" if self.namespace else f"{self.kind} {name}"


class KubeClient:
    """One cluster, as seen with one set of credentials. Every method raises KubeError's kinds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.host = transport.connection.host

    def get(self, address: Address) -> Object | None:
        """The object, or None; NotInstalled where the cluster does not know its kind."""
        answer = self._transport.request("GET", address.path, {})
        if answer.status == 404 and Status.parse(404, answer.body).name == address.name:
            return None
        return self._object(answer, address, "get")

    def apply(self, address: Address, manifest: t.Mapping[str, t.Any], *, dry_run: bool, force: bool) -> Object:
        """Server-side apply; the object as it is (dry run: would be) afterwards. Unknown fields are refused."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        answer = self._transport.request("PATCH", address.path, query, strict_json.compact(dict(manifest)), _APPLY)
        return self._object(answer, address, "patch")

    def annotate(self, address: Address, annotations: t.Mapping[str, str], *, dry_run: bool) -> Object | None:
        """Set these annotations, whoever else manages them, and nothing else; None where the object is gone."""
        query = {"fieldManager": FIELD_MANAGER}
        if dry_run:
            query["dryRun"] = "All"
        body = strict_json.compact({"metadata": {"annotations": dict(annotations)}})
        answer = self._transport.request("PATCH", address.path, query, body, _MERGE)
        if answer.status == 404 and Status.parse(404, answer.body).name == address.name:
            return None
        return self._object(answer, address, "patch")

    def find(self, collection: Address, *, label_selector: str = "") -> t.Iterator[Object]:
        """The objects of a kind, page by page: in a namespace, or in all of them where `collection` names none.

        A name in `collection` selects by it. NotInstalled where the cluster does not know the kind.
        """
        query = {"limit": str(_PAGE)}
        if collection.name:
            query["fieldSelector"] = f"metadata.name={collection.name}"
        if label_selector:
            query["labelSelector"] = label_selector
        for _page in range(_PAGES):
            answer = self._transport.request("GET", collection.collection, query)
            value = self._object(answer, collection, "list")
            listed, metadata = value.get("items"), value.get("metadata")
            yield from (one for one in listed or [] if isinstance(one, dict)) if isinstance(listed, list) else ()
            token = metadata.get("continue") if isinstance(metadata, dict) else None
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
        if answer.status == 404 and Status.parse(404, answer.body).name == address.name:
            return
        self._object(answer, address, "delete")

    def proxy(self, namespace: str, service: str, port: str, path: str) -> tuple[int, str]:
        """What a service answers to a GET over plain HTTP, by way of the API server: status and text."""
        target = f"/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy/{path.lstrip('/')}"
        answer = self._transport.request("GET", target, {})
        return answer.status, answer.body.decode("utf-8", "replace")

    def _object(self, answer: Answer, address: Address, verb: str) -> Object:
        connection = self._transport.connection
        if not 200 <= answer.status < 300:
            body = answer.body
            for value in connection.headers().values():  # no server gets to repeat our token in a task's result
                body = body.replace(value.rpartition(" ")[2].encode(), b"***")
            raise error_of(Status.parse(answer.status, body), str(address), verb, connection.host, connection.origin)
        try:
            return strict_json.load_object(answer.body, f"{connection.host}: {address}")
        except MalformedJson as error:
            raise BadAnswer(
                f"{error.message} (is this the address of a Kubernetes API?)", host=connection.host
            ) from None
