# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module imports first, so that all else is imported in the same way."""

from ansible_collections.proven.gitops.plugins.module_utils._ansible import archive

archive.compile_once(__spec__.loader)
