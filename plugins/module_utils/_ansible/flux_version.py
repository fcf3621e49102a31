# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `flux_version`."""

from __future__ import annotations

import typing as t

from .._flux.version import FluxVersion
from .argspec import Option, Params

FLUX_VERSION: t.Final[Option] = {"type": "str"}


def flux_version(params: Params) -> FluxVersion | None:
    """The release that is meant, None where none was named. Raises InvalidOption."""
    return FluxVersion.parse(params["flux_version"]) if params["flux_version"] else None
