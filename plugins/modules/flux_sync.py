#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let Flux sync a cluster from a git repository."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_sync
short_description: Let Flux sync a cluster from a git repository
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes the C(GitRepository) and the C(Kustomization) by which a bootstrapped Flux applies itself, and all else, from
    a path of a git repository.
  - Renders the files that C(flux bootstrap) commits, byte for byte, for M(proven.gitops.git_publish).
  - In a cluster, with O(target=cluster), both objects are written where they are missing, or where they name another
    repository, branch or Secret. All else in them is what the repository says, patches included.
requirements:
  - PyYAML
  - kubernetes, with O(target=cluster) only
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._attributes.defaults
  - proven.gitops._kube
  - proven.gitops._kube.force_conflicts
attributes:
  check_mode:
    details:
      - In a cluster, the API server tries everything by a dry run.
options:
  target:
    description:
      - V(none) only renders, for RV(files) and RV(manifests). V(cluster) applies both objects on the server.
    type: str
    choices:
      - none
      - cluster
    default: none
  url:
    description:
      - The repository as the cluster reaches it, as V(https://host/path) or V(ssh://user@host[:port]/path), without
        credentials.
    type: str
    required: true
  branch:
    description:
      - The branch.
    type: str
    default: main
  path:
    description:
      - The directory of this cluster in the repository, such as V(clusters/my-cluster). By default all of it.
    type: str
    default: ""
  interval:
    description:
      - How often Flux looks for new commits.
    type: str
    default: 1m0s
  secret_ref:
    description:
      - The name of the Secret with the credentials, as M(proven.gitops.flux_git_secret) makes it. Empty for a
        repository that needs none.
    type: str
    default: flux-system
  namespace:
    description:
      - The namespace of Flux, and the name of both objects.
    type: str
    default: flux-system
  force_path:
    description:
      - Whether to move a sync to another O(path). Flux then removes from the cluster what it applied from the former
        one and is not in the new one.
    type: bool
    default: false
seealso:
  - module: proven.gitops.flux_components
  - module: proven.gitops.flux_git_secret
  - module: proven.gitops.git_publish
"""

EXAMPLES = r"""
---
- name: Render the sync
  proven.gitops.flux_sync:
    url: https://git.example.com/fleet/clusters.git
    path: clusters/my-cluster
  register: sync

- name: Commit it
  proven.gitops.git_publish:
    repository: https://git.example.com/fleet/clusters.git
    token: "{{ fleet_token }}"
    files: "{{ sync.files }}"

- name: Let Flux follow it, in the cluster of a context
  proven.gitops.flux_sync:
    target: cluster
    context: kind-demo
    url: https://git.example.com/fleet/clusters.git
    path: clusters/my-cluster

- name: The same over SSH, with the token of a service account
  proven.gitops.flux_sync:
    target: cluster
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem
    url: ssh://git@git.example.com/fleet/clusters.git
    path: clusters/my-cluster
"""

RETURN = r"""
manifests:
  description: Both objects, as data.
  returned: success
  type: list
  elements: dict
directory:
  description: The directory in the repository that holds Flux itself.
  returned: success
  type: str
  sample: clusters/my-cluster/flux-system
files:
  description: What to commit beside C(gotk-components.yaml), in the form that M(proven.gitops.git_publish) takes.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path in the repository.
      type: str
    content:
      description: The text.
      type: str
resources:
  description: One entry for each object in the cluster. Empty with O(target=none).
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: V(GitRepository) or V(Kustomization).
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    change:
      description: V(created), V(updated) or V(unchanged).
      type: str
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

from ..module_utils._ansible.flux_install_options import SYNC, flux_sync
from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    """Parse, render or apply, leave."""
    module = SYNC.merge(KUBE).create_module()
    run(module, lambda: flux_sync(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
