# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries answer that have no referrers API, or one that lists nothing, and where a bundle is then found.

Each of them answers a push with `OCI-Subject`, as if it listed by itself what was pushed.
"""

from __future__ import annotations

import typing as t

from support.faulty import Fault

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Response

Finds = t.Literal["both", "ours", "nobody"]

_INDEX = "application/vnd.oci.image.index.v1+json"


def _index(text: str) -> Response:
    return Response(200, {"Content-Type": _INDEX}, text.encode())


_PAGE = Response(200, {"Content-Type": "text/html"}, b"<html>")

# Who finds what the tag holds that stands in for the API.
ANSWERS: dict[str, tuple[Response, Finds]] = {
    "400": (Response(400), "both"),
    "404": (Response(404), "both"),
    "405": (Response(405), "ours"),
    "406": (Response(406), "both"),
    "410": (Response(410), "ours"),
    "501": (Response(501), "ours"),
    "a web page": (_PAGE, "both"),
    "null": (_index('{"schemaVersion": 2, "manifests": null}'), "ours"),
    "an empty list": (_index('{"schemaVersion": 2, "manifests": []}'), "nobody"),
}


def answering(response: Response) -> Fault:
    """The fault of a registry whose referrers API answers so, always."""
    return Fault("GET", "/referrers/", times=None, answer=response)
