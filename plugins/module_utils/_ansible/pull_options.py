# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parameters of oci_pull to requests."""

from __future__ import annotations

import os

from .._artifact.limits import Limits
from .._shared.errors import InvalidOption
from .._shared.files import on_disk
from .._tasks.artifact.pull import PullRequest
from .references import Params, reference


def pull_requests(params: Params) -> list[PullRequest]:
    """The artifacts of `artifacts`, or the one of `reference` and `dest`."""
    option = "artifacts" if params["artifacts"] else "reference"
    listed = params["artifacts"] or [params]
    return [
        PullRequest(reference(option, item["reference"]), on_disk(os.path.abspath(item["dest"]))) for item in listed
    ]


def limits(params: Params) -> Limits:
    """How much an archive may unpack to."""
    for option in ("max_size", "max_entries"):
        if params[option] < 1:
            raise InvalidOption(option, f"{params[option]} is not a positive number")
    return Limits(content=params["max_size"], entries=params["max_entries"])
