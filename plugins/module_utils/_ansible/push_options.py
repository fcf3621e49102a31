# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of oci_push, and what they mean."""

from __future__ import annotations

import os

from .._artifact.annotations import CREATED, REVISION, SOURCE
from .._artifact.ignore import FLUX_DEFAULTS, Ignore
from .._artifact.tree import Tree
from .._shared.errors import InvalidOption
from .._shared.files import on_disk
from .._tasks.artifact.flux_form import FluxForm
from .._tasks.artifact.push import PushRequest
from .argspec import ArgumentSpec, Option, Params
from .artifacts import artifacts, items
from .given import Rules
from .packing_options import CACHE, check_time, epoch
from .references import ANNOTATIONS, annotation_map, reference, tag_of

_DEFAULTS: dict[str, Option] = {
    "source": {"type": "str"},
    "revision": {"type": "str"},
    "annotations": ANNOTATIONS,
    "ignore": {"type": "list", "elements": "str"},
    "resolve_symlinks": {"type": "bool"},
    "created": {"type": "str"},
    "move": {"type": "bool"},
}
PUSH = artifacts("path", {"type": "path"}, {**_DEFAULTS, "compare_with": {"type": "str"}}).merge(
    CACHE,
    ArgumentSpec(
        mutually_exclusive=(("compare_with", "artifacts"),),
        rules=Rules(may_be_empty=frozenset({"ignore", "artifacts.ignore"})),
    ),
)


def push_requests(params: Params) -> list[PushRequest]:
    """What to push; options beside `artifacts` are defaults of its items."""
    defaults = {key: params[key] for key in _DEFAULTS}
    requests = []
    for option, item in items(params):
        own = {key: value for key, value in item.items() if value is not None}
        merged = {**(defaults["annotations"] or {}), **(item["annotations"] or {})}
        requests.append(_push_request({**defaults, "compare_with": None, **own, "annotations": merged}, option))
    names = [str(request.reference) for request in requests if request.reference.tag]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidOption("artifacts", f"{twice[0]} is named twice")
    return requests


def _push_request(params: Params, option: str) -> PushRequest:
    target = reference(option, params["reference"])
    if target.digest is not None:
        raise InvalidOption(option, f"{target}: a digest is what a push results in; name a repository, or a tag in it")
    if params["compare_with"] and target.tag:
        raise InvalidOption("compare_with", f"{target} has a tag, and is compared with it")
    if params["compare_with"]:
        tag_of("compare_with", target, params["compare_with"])
    ignore = (
        FLUX_DEFAULTS if params["ignore"] is None else [line for text in params["ignore"] for line in text.split("\n")]
    )
    return PushRequest(
        reference=target,
        form=FluxForm(
            Tree(on_disk(os.path.expanduser(params["path"])), Ignore(ignore), bool(params["resolve_symlinks"])),
            _requested(params),
        ),
        created=epoch() if params["created"] is None else None,
        compare_with=params["compare_with"],
        move=bool(params["move"]),
    )


def _requested(params: Params) -> dict[str, str]:
    """The annotations that make a difference; the named options win over `annotations`, and say so when they differ."""
    named = {SOURCE: params["source"], REVISION: params["revision"], CREATED: params["created"]}
    result = annotation_map("annotations", params["annotations"])
    for key, value in named.items():
        if value is None:
            continue
        if result.get(key, value) != value:
            raise InvalidOption("annotations", f"{key} has another value than the option of its own")
        result[key] = value
    if CREATED in result:
        check_time(result[CREATED])
    return result
