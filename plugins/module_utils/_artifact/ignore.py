# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a tree are left out: gitignore lines, with the Flux CLI's defaults.

Source: fluxcd/flux2 cmd/flux/build_artifact.go (excludeOCI) and go-git's matcher: the last pattern that matches
decides, also for a file below an excluded directory.
"""

from __future__ import annotations

import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._requirements import third_party

with third_party():
    import pathspec

FLUX_DEFAULTS = (
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
)


class Ignore:
    """The gitignore lines of one artifact."""

    def __init__(self, lines: t.Iterable[str] = FLUX_DEFAULTS) -> None:
        kept = [line for line in lines if line.strip() and not line.startswith("#")]
        try:
            self._spec = pathspec.PathSpec.from_lines("gitignore", kept)
        except ValueError as error:
            raise InvalidOption("ignore", str(error)) from None
        # Without a "!" nothing below an excluded directory can come back, so it need not be read.
        self.prunes = not any(line.startswith("!") for line in kept)

    def excludes(self, name: str, *, directory: bool) -> bool:
        """Whether the entry at `name` (relative, with /) is left out."""
        return self._spec.match_file(name + "/" if directory else name)
