# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module says of its behaviour, in the same words everywhere."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules. A module adds details of its own by overriding `idempotent`, `check_mode`, `diff_mode`."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in diff mode.
    support: full
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation changes nothing.
    support: full
  platform:
    description: Target OS families that can be operated against.
    support: full
    platforms: linux
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/proven.gitops.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - proven.gitops.all
"""

    ACTIONGROUP_REGISTRY = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/proven.gitops.registry) in C(module_defaults) to set defaults, such as credentials, for
        every module that talks to a registry.
      - C(group/proven.gitops.all) is for options that all modules of the play have.
    support: full
    membership:
      - proven.gitops.all
      - proven.gitops.registry
"""

    ACTIONGROUP_GIT = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/proven.gitops.git) in C(module_defaults) to set defaults, such as credentials, for
        every module that works with a git repository.
      - C(group/proven.gitops.all) is for options that all modules of the play have.
    support: full
    membership:
      - proven.gitops.all
      - proven.gitops.git
"""

    ACTIONGROUP_CLUSTER = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/proven.gitops.cluster) in C(module_defaults) to set defaults, such as credentials, for
        every module that talks to a Kubernetes API.
      - C(group/proven.gitops.all) is for options that all modules of the play have.
    support: full
    membership:
      - proven.gitops.all
      - proven.gitops.cluster
"""

    DEFAULTS = r"""
options: {}
attributes:
  action:
    description:
      - Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: partial
    details:
      - The module does its work on the host, as any module does. In the roles of this collection, the action plugin
        gives it the play's C(module_defaults) for the options that the role was not given.
"""

    PROGRESS = r"""
options: {}
attributes:
  action:
    description:
      - Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: partial
    details:
      - The module does its work on the host, as any module does. The action plugin shows how far it is. In the roles of
        this collection, it gives the module the play's C(module_defaults) for the options that the role was not given.
  async:
    description: Supports being used with the C(async) keyword.
    support: full
    details:
      - No progress is shown then.
notes:
  - What takes longer than two seconds shows how far it is, on the last line of a terminal, and in a log as a line every
    ten seconds. The variable C(proven_progress), or the environment variable E(PROVEN_PROGRESS) on the controller, may
    be V(auto) (the default), V(lines) (never draw on a terminal) or V(quiet).
  - Progress is shown with the C(local) connection only, and not of a task with C(no_log).
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying the target.
    support: full
    details:
      - This module never changes anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in diff mode.
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation changes nothing.
    support: full
    details:
      - This module never changes anything.
  platform:
    description: Target OS families that can be operated against.
    support: full
    platforms: linux
"""
