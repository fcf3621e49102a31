# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of oci_push to requests."""

from __future__ import annotations

import datetime
import os

from .._artifact.annotations import CREATED, REVISION, SOURCE
from .._artifact.ignore import FLUX_DEFAULTS, Ignore
from .._artifact.tree import Tree
from .._shared.errors import InvalidOption
from .._shared.files import on_disk
from .._tasks.artifact.flux_form import FluxForm
from .._tasks.artifact.ledger import Ledger
from .._tasks.artifact.push import PushRequest
from .argspec import Option, variable
from .references import Params, annotation_map, reference, tag_of

CACHE_DIR: Option = variable("path", "PROVEN_CACHE_DIR")
_SHARED = ("source", "revision", "annotations", "ignore", "resolve_symlinks", "created", "move")


def push_requests(params: Params) -> list[PushRequest]:
    """The artifacts of `artifacts`, or the one of `reference` and `path`; options beside `artifacts` are defaults."""
    if params["artifacts"] is None:
        return [_push_request(params, "reference")]
    shared = {key: params[key] for key in _SHARED}
    requests = []
    for item in params["artifacts"]:
        own = {key: value for key, value in item.items() if value is not None}
        merged = {**(shared["annotations"] or {}), **(item["annotations"] or {})}
        requests.append(_push_request({**shared, "compare_with": None, **own, "annotations": merged}, "artifacts"))
    names = [str(request.reference) for request in requests if request.reference.tag]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidOption("artifacts", f"{twice[0]} is named twice")
    return requests


def ledger(params: Params) -> Ledger:
    """The ledger in `cache_dir`, by default in the user's own cache; none where the option is empty."""
    given = params["cache_dir"]
    if given is not None:
        return Ledger(os.path.join(given, "layers") if given else None)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Ledger(os.path.join(home, "proven-gitops", "layers") if os.path.isabs(home) else None)


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


def check_time(text: str) -> None:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise InvalidOption("created", f"{text!r} is not a time as in RFC 3339, such as 2026-11-22T12:00:00Z")


def epoch() -> str | None:
    """SOURCE_DATE_EPOCH as RFC 3339; it is stamped on what is new, and never makes anything new by itself."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 11:
        raise InvalidOption("created", f"SOURCE_DATE_EPOCH is {text[:40]!r}, not a number of seconds")
    moment = datetime.datetime.fromtimestamp(int(text), tz=datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
