# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says that a module knows."""

from __future__ import annotations

import importlib

import yaml

_PREFIX = "proven.gitops."


def module_options(name: str) -> set[str]:
    """The names of its options, those of its documentation fragments too."""
    module = importlib.import_module(f"ansible_collections.proven.gitops.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)
    options: set[str] = set(documented["options"])
    for fragment in documented["extends_documentation_fragment"]:
        file, _dot, part = fragment.removeprefix(_PREFIX).partition(".")
        found = importlib.import_module(f"ansible_collections.proven.gitops.plugins.doc_fragments.{file}")
        text = getattr(found.ModuleDocFragment, part.upper() or "DOCUMENTATION")
        options |= set(yaml.safe_load(text).get("options", {}))
    return options
