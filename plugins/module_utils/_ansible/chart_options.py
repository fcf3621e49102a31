# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of helm_chart_push to requests."""

from __future__ import annotations

import os
import typing as t

from .._artifact.annotations import CONTENT, CREATED
from .._helm.metadata import OWN
from .._shared.errors import InvalidOption
from .._shared.files import on_disk
from .._tasks.artifact.push import PushRequest
from .._tasks.helm.chart_form import ChartForm
from .._tasks.helm.chart_source import Directory, File
from .push_options import check_time, epoch
from .references import Params, annotation_map, reference

if t.TYPE_CHECKING:  # pragma: no cover
    from .._oci.reference import Reference
    from .._tasks.helm.chart_source import Source
    from .argspec import Option

_SHARED = ("annotations", "created", "move")
_ONE: dict[str, Option] = {
    "reference": {"type": "str"},
    "path": {"type": "path"},
    "sha256": {"type": "str"},
    "annotations": {"type": "dict"},
    "created": {"type": "str"},
    "move": {"type": "bool"},
}
CHART: dict[str, Option] = {**_ONE, "reference": {"type": "str", "required": True}}
OPTIONS: dict[str, Option] = {**_ONE, "charts": {"type": "list", "elements": "dict", "options": CHART}}


def chart_requests(params: Params) -> list[PushRequest]:
    """The charts of `charts`, or the one of `reference`; options beside `charts` are defaults."""
    if params["charts"] is None:
        return [_request(params, "reference")]
    shared = {key: params[key] for key in _SHARED}
    requests = []
    for item in params["charts"]:
        own = {key: value for key, value in item.items() if value is not None}
        merged = {**(shared["annotations"] or {}), **(item["annotations"] or {})}
        requests.append(_request({**item, **shared, **own, "annotations": merged}, "charts"))
    return requests


def _request(params: Params, option: str) -> PushRequest:
    target = _reference(option, params["reference"])
    requested = annotation_map("annotations", params["annotations"])
    for key in (*OWN, CONTENT):
        if key in requested:
            raise InvalidOption("annotations", f"{key} follows from the chart")
    if params["created"] is not None:
        check_time(params["created"])
        requested[CREATED] = params["created"]
    return PushRequest(
        reference=target,
        form=ChartForm(target, _source(params), requested),
        created=None if CREATED in requested else epoch(),
        move=bool(params["move"]),
    )


def _reference(option: str, text: str) -> Reference:
    """A + in a tag is one of the chart's version, which a tag has as _."""
    name, colon, tag = text.rpartition(":")
    target = reference(option, f"{name}:{tag.replace('+', '_')}" if colon and "/" not in tag else text)
    if target.digest is not None:
        raise InvalidOption(option, f"{target}: a digest is what a push results in; name a repository, or a tag in it")
    return target


def _source(params: Params) -> Source:
    path = on_disk(os.path.expanduser(params["path"]))
    return Directory(path) if os.path.isdir(path) else File(path)
