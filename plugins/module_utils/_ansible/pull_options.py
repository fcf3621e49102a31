# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of oci_pull, and what they mean."""

from __future__ import annotations

import os

from .._artifact.limits import Limits
from .._shared.errors import InvalidOption
from .._shared.files import on_disk
from .._tasks.artifact.pull import PullRequest
from .argspec import ArgumentSpec, Params
from .artifacts import artifacts, items
from .references import reference

PULL = artifacts("dest", {"type": "path"}).merge(
    ArgumentSpec(
        options={
            "max_size": {"type": "int", "default": 1 << 30},
            "max_entries": {"type": "int", "default": 100_000},
        }
    )
)


def pull_requests(params: Params) -> list[PullRequest]:
    """What to pull, and where to."""
    return [
        PullRequest(reference(option, item["reference"]), on_disk(os.path.abspath(item["dest"])))
        for option, item in items(params)
    ]


def limits(params: Params) -> Limits:
    """How much an archive may unpack to."""
    for option in ("max_size", "max_entries"):
        if params[option] < 1:
            raise InvalidOption(option, f"{params[option]} is not a positive number")
    return Limits(content=params["max_size"], entries=params["max_entries"])
