#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a Kubernetes cluster in containers with kind, or remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Make a Kubernetes cluster in containers with kind, or remove it
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes a cluster by name from kind's own configuration, waits until its nodes are ready, and writes a kubeconfig of
    its own.
  - A running cluster is never changed, since kind cannot do that. Where it differs from the configuration, in nodes,
    images, ports, mounts or anything else, the task says how, and fails unless O(on_drift=warn).
  - Nodes that are stopped are started. A cluster that a run of this module began and did not finish is removed and made
    anew. Any other cluster that is not whole is an error that says what to do.
  - The role P(proven.gitops.kind_cluster#role) can install kind, and adds a registry.
requirements:
  - Docker, with the program C(docker) on E(PATH)
  - kind 0.20 or newer
  - PyYAML
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup
  - proven.gitops._attributes.progress
attributes:
  check_mode:
    details:
      - Containers are looked at, so Docker has to be there. kind may still be missing where there is no cluster yet.
options:
  name:
    description:
      - The cluster's name. Its context in the kubeconfig is V(kind-) and this name.
    type: str
    default: kind
  state:
    description:
      - Whether the cluster is to be there. V(absent) removes its containers and O(kubeconfig).
    type: str
    choices:
      - present
      - absent
    default: present
  config:
    description:
      - The cluster, in the words of kind's C(kind.x-k8s.io/v1alpha4), such as C(nodes) and C(networking). Without
        nodes, one control plane.
      - See U(https://kind.sigs.k8s.io/docs/user/configuration/).
    type: dict
    default: {}
  image:
    description:
      - The image of nodes that name none in O(config). Without it, the one that kind brings.
    type: str
  kubeconfig:
    description:
      - The file for the cluster's kubeconfig, with access as its administrator, for its owner alone.
      - A file that has other clusters in it is refused.
    type: path
    required: true
  on_drift:
    description:
      - What to do when a running cluster is not what is declared. V(warn) goes on, with warnings.
    type: str
    choices:
      - fail
      - warn
    default: fail
  wait:
    description:
      - Whether to wait until all nodes are ready.
    type: bool
    default: true
  wait_timeout:
    description:
      - For how long, in seconds.
    type: int
    default: 300
  create_timeout:
    description:
      - How long kind may take to make the cluster, in seconds, pulling images included.
    type: int
    default: 900
  kind_path:
    description:
      - The program kind, as a path or a name on E(PATH).
      - Can be set with the environment variable E(PROVEN_KIND_PATH).
    type: path
    default: kind
seealso:
  - module: proven.gitops.kind_registry
  - name: kind
    description: Its configuration.
    link: https://kind.sigs.k8s.io/docs/user/configuration/
"""

EXAMPLES = r"""
---
- name: Make a cluster
  proven.gitops.kind_cluster:
    name: demo
    kubeconfig: demo.kubeconfig

- name: Make a cluster of two nodes, with a port of this machine
  proven.gitops.kind_cluster:
    name: demo
    image: kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5
    kubeconfig: demo.kubeconfig
    config:
      nodes:
        - role: control-plane
          extraPortMappings:
            - containerPort: 30080
              hostPort: 8080
              listenAddress: 127.0.0.1
        - role: worker

- name: Remove it
  proven.gitops.kind_cluster:
    name: demo
    state: absent
    kubeconfig: demo.kubeconfig
"""

RETURN = r"""
name:
  description: The cluster's name.
  type: str
  returned: success
state:
  description: The state it has now, or would have.
  type: str
  returned: success
kubeconfig:
  description: The path of its kubeconfig.
  type: str
  returned: success
context:
  description: The context in it.
  type: str
  returned: success
  sample: kind-demo
network:
  description: The Docker network of its nodes, and V(null) where there are none yet.
  type: str
  returned: success
  sample: kind
nodes:
  description: Its containers.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The container's name, which is the node's.
      type: str
    role:
      description: V(control-plane), V(worker) or V(external-load-balancer).
      type: str
    image:
      description: Its image.
      type: str
    status:
      description: Docker's word for its state, such as V(running), or V(planned).
      type: str
drift:
  description: How it differs from what is declared, a sentence each. Always empty with O(on_drift=fail).
  type: list
  elements: str
  returned: success
actions:
  description: What was done, or would be, in order.
  type: list
  elements: str
  returned: success
failure:
  description:
    - Why the task failed, for a program.
    - The code is one of V(invalid_option), V(docker_unavailable), V(kind_missing), V(cluster_half_made), V(drift),
      V(creation_failed), V(not_ready) and V(kind_failed).
  type: dict
  returned: failure
"""

from ..module_utils._ansible.kind_options import CLUSTER, kind_cluster
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.run import run


def main() -> None:
    """Parse, make or remove, leave."""
    module = CLUSTER.create_module()
    run(module, lambda: kind_cluster(module.params, progress(module)))


if __name__ == "__main__":
    main()
