# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry client that does what it is told and no more: one kept-alive connection, no retries, no conveniences."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import typing as t

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


class Answer(t.NamedTuple):
    """Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> t.Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the first error in the body."""
        return str(self.json["errors"][0]["code"])


class PlainClient:
    """`repository` is the path that relative names of blobs and manifests are under."""

    def __init__(self, address: str, repository: str = "team/app", authorization: str | None = None) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=20)
        self.repository = repository
        self.authorization = authorization

    def call(self, method: str, path: str, body: t.Any = None, **headers: str) -> Answer:
        """Header names are given with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.authorization is not None:
            sent.setdefault("Authorization", self.authorization)
        self.connection.request(method, path, body=body, headers=sent)
        response = self.connection.getresponse()
        content = response.read()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def blob(self, method: str, digest: str, **headers: str) -> Answer:
        return self.call(method, f"/v2/{self.repository}/blobs/{digest}", **headers)

    def manifest(self, method: str, reference: str, body: bytes | None = None, **headers: str) -> Answer:
        return self.call(method, f"/v2/{self.repository}/manifests/{reference}", body, **headers)

    def push_blob(self, content: bytes) -> str:
        """Upload in one request; the digest."""
        digest = sha256(content)
        answer = self.call("POST", f"/v2/{self.repository}/blobs/uploads/?digest={digest}", content)
        assert answer.status == 201, answer
        return digest

    def push_manifest(self, document: t.Any, reference: str | None = None, media_type: str = OCI_MANIFEST) -> str:
        """Upload under a tag, or under its digest; the digest."""
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        digest = sha256(content)
        answer = self.manifest("PUT", reference or digest, content, Content_Type=media_type)
        assert answer.status == 201, answer
        return digest

    def push_image(self, tag: str | None = None, **more: t.Any) -> str:
        """A manifest with a config and one layer, both pushed first; the manifest's digest."""
        return self.push_manifest(self.image(**more), tag)

    def image(self, layer: bytes = b"layer", **more: t.Any) -> dict[str, t.Any]:
        """A manifest whose blobs have been pushed."""
        config = self.push_blob(b"{}")
        content = self.push_blob(layer)
        return {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.test.config", "size": 2, "digest": config},
            "layers": [{"mediaType": "application/octet-stream", "size": len(layer), "digest": content}],
            **more,
        }


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def basic(username: str, password: str) -> str:
    """An Authorization header's value."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
