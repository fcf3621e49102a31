# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags of a repository. Source: distribution-spec 1.1, "Listing Tags"."""

from __future__ import annotations

import typing as t

from .._http.transport import Request
from .._http.urls import next_page
from .._oci.reference import InvalidReference, check_tag
from .._shared import strict_json
from .._shared.strict_json import MalformedJson
from .errors import BadAnswer, of_http
from .settings import MANIFEST_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .client import Registry

_PAGES = 1000


@of_http()
def list_tags(registry: Registry, repository: str, limit: int) -> list[str]:
    """At most `limit` tags of a repository, in the registry's order; none where there is no such repository."""
    scope, deadline = registry.session.scope(repository, "pull"), registry.session.deadline()
    url: str | None = registry.session.url(repository, f"tags/list?n={max(1, min(limit, 1000))}")
    tags: dict[str, None] = {}
    for _turn in range(_PAGES):
        if url is None or len(tags) >= limit:
            return list(tags)[:limit]
        answer, body = registry.session.read(Request("GET", url), scope, deadline, MANIFEST_LIMIT)
        if answer.status == 404 and registry.is_ours(answer):
            return list(tags)
        if answer.status != 200:
            raise registry.session.error(answer, body, scope)
        tags.update(dict.fromkeys(_parse_tags(registry, body, repository)))
        url = next_page(answer.request.url, answer.headers.getlist("Link"), f"registry {registry.host}: list of tags")
    raise BadAnswer(f"registry {registry.host}: the list of tags has more than {_PAGES} pages", registry=registry.host)


def _parse_tags(registry: Registry, body: bytes, repository: str) -> list[str]:
    what = f"registry {registry.host}: tags of {repository}"
    try:
        tags = strict_json.load_object(body, what).get("tags")
        tags = [] if tags is None else tags  # so some registries say that there are none
        if not isinstance(tags, list):
            raise BadAnswer(f"{what}: not a list", registry=registry.host)
        return [check_tag(str(tag), what) for tag in tags]
    except (MalformedJson, InvalidReference) as error:
        raise BadAnswer(registry.session.scrubber.clean(error.message), registry=registry.host) from None
