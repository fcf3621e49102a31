# SPDX-License-Identifier: GPL-3.0-or-later
"""The annotations of an artifact's manifest that mean something to Flux or to us."""

from __future__ import annotations

CREATED = "org.opencontainers.image.created"
SOURCE = "org.opencontainers.image.source"
REVISION = "org.opencontainers.image.revision"
# The digest of the tar before compression. A claim, believed only after it was confirmed.
CONTENT = "gitops.proven/content-digest"
