# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of formats, in the order in which cosign 3 and Flux ask for them. A new one is a file and a row."""

from __future__ import annotations

import typing as t

from .bundle_format import BundleFormat
from .legacy_format import LegacyFormat

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.version import FluxVersion
    from .signatures import Format

FORMATS: t.Final[t.Mapping[str, Format]] = {form.name: form for form in (BundleFormat(), LegacyFormat())}
BOTH, AUTO = "both", "auto"  # what may be asked for besides


def visible(version: FluxVersion, host: str, *, plain_http: bool) -> list[Format]:
    """The formats that a Flux looks for in the registry `host`, in its order; there is always one."""
    return [form for form in FORMATS.values() if form.seen_by(version, host, plain_http=plain_http)]


def before(wanted: t.Collection[str], version: FluxVersion, host: str, *, plain_http: bool) -> list[Format]:
    """The formats that this Flux asks for before any of the `wanted` ones, so that they can hide those."""
    found: list[Format] = []
    for form in visible(version, host, plain_http=plain_http):
        if form.name in wanted:
            break
        found.append(form)
    return found
