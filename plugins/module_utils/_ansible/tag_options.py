# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of oci_tag to requests."""

from __future__ import annotations

from .._tasks.artifact.tag import TagRequest
from .references import Params, reference, tag_of


def tag_requests(params: Params) -> list[TagRequest]:
    """The artifacts of `artifacts`, or the one of `reference` and `tags`; every tag is checked before any is set."""
    requests = []
    for item in params["artifacts"] or [params]:
        target = reference("artifacts" if params["artifacts"] else "reference", item["reference"])
        tags = dict.fromkeys(tag_of("tags", target, tag) for tag in item["tags"])
        requests.append(TagRequest(target, tuple(tags)))
    return requests
