# SPDX-License-Identifier: GPL-3.0-or-later
"""What other systems' disks make of a name: which names are one file there, and which lead into git's own directory.

Sources: Unicode 15, D145 (canonical caseless matching), as APFS and HFS+ compare; git's path.c (is_ntfs_dotgit) and
utf8.c (is_hfs_dotgit).
"""

from __future__ import annotations

import re
import unicodedata

# Characters that HFS+ ignores in a name, with which ".git" could be spelt so that it is not seen.
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_TRAILING = re.compile(r"(?<=[^/. ])[. ]+(?=/|\Z)")  # which Windows drops


def folded(path: str) -> str:
    """What two paths have in common that are one file on some disk: on Windows, on a Mac, or on both."""
    if path.isascii():
        return _TRAILING.sub("", path.lower())
    path = unicodedata.normalize("NFD", _IGNORABLE.sub("", path))
    return _TRAILING.sub("", unicodedata.normalize("NFD", path.casefold()))


def leads_into_git(path: str) -> bool:
    """Whether a part of `path` is `.git` in some spelling: what is written there, the next git command runs."""
    return any(_is_git(part) for part in path.split("/"))


def _is_git(part: str) -> bool:
    # NTFS ignores what trails (blanks, dots, a stream's name) and knows .git as git~1 too.
    if not part.isascii():
        part = _IGNORABLE.sub("", part)
    return part.casefold().partition(":")[0].rstrip(". ") in (".git", "git~1")
