# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from the archive that Ansible sends a module in, and compile each file of it once.

The archive holds source alone, and Python's zipimport compiles a file twice: the first time only to say what it is
called (python/cpython#141276, open). A third of the time that our imports took went there.
"""

from __future__ import annotations

import os
import sys
import typing as t
import zipimport


class SourceArchive(zipimport.zipimporter):
    """The importer of one archive without byte code: what a file is called is known by its place."""

    def get_filename(self, fullname: str) -> str:
        """As zipimporter has it, also in its error: ZipImportError where there is no such module."""
        end = f"{os.sep}__init__.py" if self.is_package(fullname) else ".py"
        return os.path.join(self.archive, self.prefix + fullname.rpartition(".")[2] + end)


def compile_once(loader: object) -> None:
    """Import all that is not imported yet in this way, if `loader` is that of an archive.

    On the controller it is another: nothing is changed there.
    """
    if not isinstance(loader, zipimport.zipimporter):
        return
    archive = loader.archive

    def within(path: str) -> bool:
        return path == archive or path.startswith(archive + os.sep)

    def hook(path: str) -> t.Any:
        if not within(path):
            raise ImportError(path)
        return SourceArchive(path)

    sys.path_hooks.insert(0, hook)
    for path in filter(within, list(sys.path_importer_cache)):
        del sys.path_importer_cache[path]
