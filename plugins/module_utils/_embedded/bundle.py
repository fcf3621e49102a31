# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's code as one file that outlives the task that starts it.

A task's own code is in a temporary zip that Ansible removes when the task ends, so a process cannot run from there.
The sources come through each module's loader, which knows them in that zip as well as in a checkout.
"""

from __future__ import annotations

import io
import typing as t
import zipfile

from . import (
    api,
    auth,
    blobs,
    body,
    contents,
    credentials,
    datadir,
    handler,
    main,
    manifests,
    message,
    naming,
    server,
    store,
    tokens,
    uploads,
)

if t.TYPE_CHECKING:  # pragma: no cover
    import importlib.abc
    import types

# Imported, not named, so that Ansible packs them into the task as well.
_MODULES: tuple[types.ModuleType, ...] = (
    api,
    auth,
    blobs,
    body,
    contents,
    credentials,
    datadir,
    handler,
    main,
    manifests,
    message,
    naming,
    server,
    store,
    tokens,
    uploads,
)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build() -> bytes:
    """A zip that `python FILE DATA_DIRECTORY` runs; the same bytes for the same sources."""
    files = {f"{module.__name__.replace('.', '/')}.py": _source(module) for module in _MODULES}
    for name in _packages(main.__name__):
        files[f"{name.replace('.', '/')}/__init__.py"] = ""
    files["__main__.py"] = f"import sys\n\nfrom {main.__name__} import main\n\nsys.exit(main(sys.argv[1:]))\n"
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name])
    return output.getvalue()


def _packages(module: str) -> list[str]:
    parts = module.split(".")[:-1]
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _source(module: types.ModuleType) -> str:
    loader = t.cast("importlib.abc.InspectLoader", module.__loader__)
    source = loader.get_source(module.__name__)
    if source is None:  # installed without sources
        raise ImportError(f"{module.__name__} has no source", name=module.__name__)
    return source
