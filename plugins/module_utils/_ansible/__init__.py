# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module imports first, so that all else is imported in the same way."""

from . import archive

archive.compile_once(__spec__.loader)
