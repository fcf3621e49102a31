#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository and its deploy keys on Gitea, GitHub or GitLab."""

from __future__ import annotations

DOCUMENTATION = r"""
module: git_host_repository
short_description: Make a repository with deploy keys on Gitea, GitHub or GitLab
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes a repository through the API of its host, and adds or removes deploy keys. What Flux needs of a git host, and
    no more.
  - A repository that is there already is left as it is. None is ever removed.
  - A deploy key is told by the key itself. Another key under the same title is replaced, since it is one that the
    cluster no longer has.
requirements:
  - urllib3
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup
  - proven.gitops._attributes.defaults
attributes:
  check_mode:
    details:
      - The host is asked what is there. Whether it would let this token change anything is not.
options:
  provider:
    description:
      - The kind of host. V(gitea) is for Forgejo, too.
    type: str
    choices:
      - gitea
      - github
      - gitlab
    required: true
  url:
    description:
      - The host's own address, such as V(https://git.example.com). By default that of github.com or gitlab.com.
        Required for V(gitea).
      - Plain V(http://) is refused but for this machine, unless O(insecure) is set. Redirects are never followed.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_URL).
    type: str
  owner:
    description:
      - The user or the organization, or for V(gitlab) the path of the group.
    type: str
    required: true
  name:
    description:
      - The repository's name.
    type: str
    required: true
  username:
    description:
      - The user whose password O(token) is. With V(gitea) only. Without it, O(token) is an access token.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_USERNAME).
    type: str
  token:
    description:
      - An access token that may administer the repository, and create it where it is missing.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_TOKEN).
    type: str
    aliases:
      - password
  create:
    description:
      - Whether to make the repository where it is missing.
    type: bool
    default: true
  private:
    description:
      - Whether a new repository is private.
    type: bool
    default: true
  description:
    description:
      - The description of a new repository.
    type: str
    default: ""
  default_branch:
    description:
      - The default branch of a new repository. It is made empty, so that GitHub takes the first branch that is pushed.
    type: str
    default: main
  deploy_keys:
    description:
      - Deploy keys of the repository. Others stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      title:
        description:
          - The key's title.
        type: str
        required: true
      key:
        description:
          - The public key, as a line of OpenSSH's. Required with O(deploy_keys[].state=present).
        type: str
      read_only:
        description:
          - Whether the key may only read.
        type: bool
        default: true
      state:
        description:
          - Whether the key is to be there. V(absent) without O(deploy_keys[].key) removes those of this title.
        type: str
        choices:
          - present
          - absent
        default: present
  ca_path:
    description:
      - A file with the PEM certificates of the authorities that may vouch for the host, instead of the system's.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_CA_PATH).
    type: path
  validate_certs:
    description:
      - Whether the host has to prove who it is. With V(false), anybody on the way can read the token.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_VALIDATE_CERTS).
    type: bool
    default: true
  insecure:
    description:
      - Whether O(token) may travel over plain V(http://) to a host other than this one.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_INSECURE).
    type: bool
    default: false
  timeout:
    description:
      - How long the host may be silent, in seconds.
      - Can be set with the environment variable E(PROVEN_GIT_HOST_TIMEOUT).
    type: int
    default: 30
seealso:
  - module: proven.gitops.flux_git_secret
  - module: proven.gitops.git_publish
"""

EXAMPLES = r"""
---
- name: Make a repository for the fleet on a Gitea, with an access token
  proven.gitops.git_host_repository:
    provider: gitea
    url: https://git.example.com
    owner: fleet
    name: clusters
    token: "{{ vault_gitea_token }}"

- name: The same with a user name and a password
  proven.gitops.git_host_repository:
    provider: gitea
    url: https://git.example.com
    owner: fleet
    name: clusters
    username: admin
    password: "{{ vault_gitea_password }}"

- name: Let a cluster read a repository on GitHub
  proven.gitops.git_host_repository:
    provider: github
    owner: example
    name: clusters
    token: "{{ vault_github_token }}"
    deploy_keys:
      - title: flux-system my-cluster
        key: "{{ identity.public_key }}"

- name: Take a cluster's key away, in a group of GitLab, with the token from PROVEN_GIT_HOST_TOKEN
  proven.gitops.git_host_repository:
    provider: gitlab
    owner: example/platform
    name: clusters
    create: false
    deploy_keys:
      - title: flux-system my-cluster
        state: absent
"""

RETURN = r"""
repository:
  description: The repository.
  returned: success
  type: dict
  contains:
    owner:
      description: Its owner.
      type: str
    name:
      description: Its name.
      type: str
    created:
      description: Whether it was made, or would be.
      type: bool
    private:
      description: Whether it is private.
      type: bool
    default_branch:
      description: Its default branch.
      type: str
    clone_url:
      description: Its address for HTTPS, in the host's own words. V(null) where it is not there yet.
      type: str
    ssh_url:
      description: Its address for SSH, in the host's own words. V(null) where it is not there yet.
      type: str
deploy_keys:
  description: What became of each deploy key.
  returned: success
  type: list
  elements: dict
  contains:
    title:
      description: Its title.
      type: str
    read_only:
      description: Whether it may only read.
      type: bool
    change:
      description: V(added), V(replaced), V(removed) or V(unchanged).
      type: str
actions:
  description: What was done, or would be, in order.
  returned: success
  type: list
  elements: str
failure:
  description:
    - Why the task failed, as C(code), C(message) and C(details).
    - The code is one of V(invalid_option), V(unreachable), V(unauthorized), V(not_found), V(rejected) and
      V(bad_answer).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.git_host_options import GIT_HOST, git_host_repository
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    """Parse, make or remove, leave."""
    module = GIT_HOST.create_module()
    run(module, lambda: git_host_repository(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
