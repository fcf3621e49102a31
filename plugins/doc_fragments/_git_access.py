# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a git repository is and how to get in: the options of plugins/module_utils/_ansible/git_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that works with a git repository."""

    DOCUMENTATION = r"""
options:
  repository:
    description:
      - The repository, as V(https://host/path), V(ssh://user@host/path), V(user@host:path), V(file:///path) or an
        absolute path.
      - A password or token in it is refused. It would end in process lists, logs and error messages; O(token) is for
        that.
      - Can be set with the environment variable E(PROVEN_GIT_REPOSITORY).
    type: str
    required: true
  username:
    description:
      - The user name that goes with O(token) over HTTPS. Most servers ignore it for access tokens.
      - Without it, the one in O(repository) is used, or V(git). Over SSH the user name stands in O(repository).
      - Can be set with the environment variables E(PROVEN_GIT_USERNAME) or E(GIT_USERNAME).
    type: str
  token:
    description:
      - An access token or password for HTTPS. Over SSH it is not used.
      - It reaches git through a credential helper that answers to the host of O(repository) alone, from a file that
        only the user running the task can read and that is gone after the task.
      - With a token, the personal git configuration of that user (credential helpers, C(~/.netrc)) takes no part in
        the connection; without one it does, as on the command line.
      - Can be set with the environment variables E(PROVEN_GIT_TOKEN), E(GIT_TOKEN) or E(GIT_PASSWORD).
    type: str
    aliases:
      - password
  privatekey_path:
    description:
      - The private key for SSH, in a file that only its owner can read. One with a passphrase is refused; load it
        into C(ssh-agent) and omit this option.
      - With a key, the SSH configuration, agent and other keys of the user who runs the task take no part in the
        connection; without one they do.
      - Mutually exclusive with O(privatekey_content).
      - Can be set with the environment variable E(PROVEN_GIT_PRIVATEKEY_PATH).
    type: path
  privatekey_content:
    description:
      - The private key for SSH, by content.
      - Mutually exclusive with O(privatekey_path).
      - Can be set with the environment variable E(PROVEN_GIT_PRIVATEKEY_CONTENT).
    type: str
  known_hosts_path:
    description:
      - A C(known_hosts) file with the SSH server's host key. A host key is never accepted unseen.
      - Without it and O(known_hosts), those of the user who runs the task and of the system count.
      - Mutually exclusive with O(known_hosts).
      - Can be set with the environment variable E(PROVEN_GIT_KNOWN_HOSTS_PATH).
    type: path
  known_hosts:
    description:
      - The lines of a C(known_hosts) file, by content.
      - Mutually exclusive with O(known_hosts_path).
      - Can be set with the environment variable E(PROVEN_GIT_KNOWN_HOSTS).
    type: str
  ca_path:
    description:
      - A file with the PEM certificates of the authorities that may vouch for an HTTPS server, instead of the
        system's.
      - Can be set with the environment variable E(PROVEN_GIT_CA_PATH).
    type: path
  validate_certs:
    description:
      - Whether an HTTPS server has to prove who it is. With V(false), anybody on the way can read the token.
      - Can be set with the environment variable E(PROVEN_GIT_VALIDATE_CERTS).
    type: bool
    default: true
  insecure:
    description:
      - Whether O(token) may travel over plain V(http://) to a host other than this one.
      - Can be set with the environment variable E(PROVEN_GIT_INSECURE).
    type: bool
    default: false
  timeout:
    description:
      - The time that one exchange with the repository, a fetch or a push, may take, in seconds.
      - Can be set with the environment variable E(PROVEN_GIT_TIMEOUT).
    type: int
    default: 120
"""
