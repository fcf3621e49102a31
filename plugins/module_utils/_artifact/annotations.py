# SPDX-License-Identifier: GPL-3.0-or-later
"""The annotations of an artifact's manifest that mean something to Flux or to us."""

from __future__ import annotations

import typing as t

CREATED = "org.opencontainers.image.created"
SOURCE = "org.opencontainers.image.source"
REVISION = "org.opencontainers.image.revision"
# The digest of the tar before compression. A claim, believed only after it was confirmed.
CONTENT = "gitops.proven/content-digest"


def difference(found: t.Mapping[str, str], wanted: t.Mapping[str, str]) -> str | None:
    """Why the annotations `found` are not those `wanted`; None if they are.

    Our content digest may be among them, and a time of creation where none is wanted.
    """
    rest = {key: value for key, value in found.items() if key != CONTENT}
    if CREATED not in wanted:
        rest.pop(CREATED, None)
    if rest == dict(wanted):
        return None
    differing = sorted({key for key, _value in rest.items() ^ wanted.items()})
    return f"its annotations differ: {', '.join(differing)[:300]}"
