# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run flux_git_secret, with the play's defaults also in our roles."""

from __future__ import annotations

from ..plugin_utils.defaults import DefaultsAction


class ActionModule(DefaultsAction):
    """Ansible finds it by this name."""
