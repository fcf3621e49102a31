# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of oci_tag, and what they mean."""

from __future__ import annotations

from .._tasks.artifact.tag import TagRequest
from .argspec import ArgumentSpec, Params
from .artifacts import artifacts, items
from .references import reference, tag_of

TAG = artifacts("tags", {"type": "list", "elements": "str", "aliases": ["tag"]}).merge(
    ArgumentSpec(
        options={"move": {"type": "bool", "default": False}, "never_lower": {"type": "bool", "default": False}}
    )
)


def tag_requests(params: Params) -> list[TagRequest]:
    """What to tag; every tag is checked before any is set."""
    requests = []
    for option, item in items(params):
        target = reference(option, item["reference"])
        tags = dict.fromkeys(tag_of("tags", target, tag) for tag in item["tags"])
        requests.append(TagRequest(target, tuple(tags)))
    return requests
