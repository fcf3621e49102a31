#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret by which Flux gets into a git repository."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_git_secret
short_description: Give Flux the credentials for a git repository
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes the Secret that a C(GitRepository) names in C(spec.secretRef), by server-side apply with the field manager
    V(proven.gitops). It holds a login for HTTPS, or an SSH key and the server's host keys.
  - An SSH key can be made here. Its private part never leaves the cluster, and RV(public_key) is what to register as a
    deploy key. A key that is in the Secret already is kept.
  - Nothing that is secret is shown, neither in the diff nor in the result.
requirements:
  - PyYAML
  - cryptography
  - kubernetes
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._attributes.defaults
  - proven.gitops._kube
  - proven.gitops._kube.force_conflicts
attributes:
  check_mode:
    details:
      - The API server tries everything by a dry run. A namespace that is missing is a warning in check mode, because an
        earlier task may be going to make it. RV(public_key) is not known where the key is still to be made.
  diff_mode:
    details:
      - Shows public keys and user names, and digests of other public values.
options:
  state:
    description:
      - Whether the Secret is to be there or not.
    type: str
    choices:
      - present
      - absent
    default: present
  name:
    description:
      - The Secret's name.
    type: str
    default: flux-system
  namespace:
    description:
      - Its namespace, the one of the C(GitRepository).
    type: str
    default: flux-system
  type:
    description:
      - What it holds. V(login) is O(username) and O(token) for HTTPS. V(ssh) is a key and host keys for SSH.
    type: str
    choices:
      - login
      - ssh
    default: login
  username:
    description:
      - The user name. Most servers ignore it for access tokens.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_USERNAME).
    type: str
    default: git
  token:
    description:
      - The access token or password. A token that may only read is enough.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_TOKEN).
    type: str
    aliases:
      - password
  ca_path:
    description:
      - A file with the PEM certificates of the authorities that may vouch for an HTTPS server.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_CA_PATH).
    type: path
  privatekey_path:
    description:
      - A private SSH key without a passphrase. Without it and O(privatekey_content), the one that is in the Secret, or
        a new one.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_PRIVATEKEY_PATH).
    type: path
  privatekey_content:
    description:
      - A private SSH key, by content.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_PRIVATEKEY_CONTENT).
    type: str
  key_algorithm:
    description:
      - The kind of a new key. V(ecdsa) is on the curve P-384.
    type: str
    choices:
      - ecdsa
      - ed25519
      - rsa
    default: ecdsa
  known_hosts:
    description:
      - The server's host keys, as lines of a C(known_hosts) file. Flux believes no other. They are not looked up, since
        whoever answers would be believed.
      - With O(type=ssh), one of O(known_hosts) and O(known_hosts_path) is required.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_KNOWN_HOSTS).
    type: str
  known_hosts_path:
    description:
      - A file with them.
      - Can be set with the environment variable E(PROVEN_FLUX_GIT_KNOWN_HOSTS_PATH).
    type: path
seealso:
  - module: proven.gitops.flux_sync
  - module: proven.gitops.git_host_repository
"""

EXAMPLES = r"""
---
- name: Let Flux get in with a token
  proven.gitops.flux_git_secret:
    token: "{{ vault_fleet_read_token }}"
    kubeconfig: demo.kubeconfig

- name: Let Flux get in with a key of its own
  proven.gitops.flux_git_secret:
    type: ssh
    known_hosts: git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
  register: identity

- name: Register it as a deploy key
  proven.gitops.git_host_repository:
    provider: gitea
    url: https://git.example.com
    owner: fleet
    name: clusters
    token: "{{ vault_fleet_admin_token }}"
    deploy_keys:
      - title: my-cluster
        key: "{{ identity.public_key }}"

- name: Take the Secret away, with the token of a service account
  proven.gitops.flux_git_secret:
    state: absent
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem
"""

RETURN = r"""
secret:
  description: The Secret.
  returned: success
  type: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    change:
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
    data:
      description: What may be seen of each value.
      type: dict
public_key:
  description:
    - The public key, as a line of OpenSSH's. V(null) with O(type=login), and in check mode for a key to be made.
  returned: success
  type: str
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
fingerprint:
  description: Its fingerprint, as C(ssh-keygen -l) shows it.
  returned: success
  type: str
  sample: SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU
actions:
  description: What was done, or would be, in order.
  returned: success
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.flux_git_options import GIT_SECRET, flux_git_secret
from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    """Parse, apply or delete, leave."""
    module = GIT_SECRET.merge(KUBE).create_module()
    run(module, lambda: flux_git_secret(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
