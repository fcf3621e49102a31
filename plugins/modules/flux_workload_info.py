#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs because of a Kustomization of Flux."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_workload_info
short_description: What runs because of a Kustomization of Flux
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Lists the workloads in the inventory of a C(Kustomization), which is what it applied, with their pods and images.
  - Asks services for an answer over HTTP, by way of the API server, so that no port has to be open.
requirements:
  - kubernetes
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.info_module
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._kube
options:
  name:
    description: The name of the C(Kustomization).
    type: str
    required: true
  namespace:
    description: Its namespace.
    type: str
    default: flux-system
  requests:
    description: What to ask services.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: The service's namespace.
        type: str
        required: true
      service:
        description: The service's name.
        type: str
        required: true
      port:
        description: The number or the name of one of its ports.
        type: str
        required: true
      path:
        description: What to ask for.
        type: str
        default: /
seealso:
  - module: proven.gitops.flux_reconcile
"""

EXAMPLES = r"""
---
- name: Look at what runs
  proven.gitops.flux_workload_info:
    name: hello
    requests:
      - namespace: hello
        service: hello
        port: http
  register: found

- name: Make sure of it, in the cluster of a token
  proven.gitops.flux_workload_info:
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem
    name: cert-manager
  register: found
  failed_when: found is failed or not found.running
"""

RETURN = r"""
revision:
  description: The revision that was applied last.
  returned: success
  type: str
  sample: 1.0.0@sha256:c660182f1c3435d1905118d192816e558f2207c6289ac0773f907cc070e274eb
digest:
  description: The digest in it.
  returned: success
  type: str
running:
  description: Whether every workload has pods, and all of them are ready.
  returned: success
  type: bool
workloads:
  description: The Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs that were applied.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: The kind.
      type: str
    namespace:
      description: The namespace.
      type: str
    name:
      description: The name.
      type: str
    ready:
      description: Whether it has pods, and all of them are ready or are done.
      type: bool
    pods:
      description: The pods that its selector finds, without those that are on their way out.
      type: list
      elements: dict
      contains:
        name:
          description: The pod's name.
          type: str
        phase:
          description: Its phase, such as V(Running).
          type: str
        ready:
          description: Whether it is ready, or has done what it had to do.
          type: bool
        containers:
          description: Its containers, each with C(name), C(image), C(image_id), C(ready) and C(restarts).
          type: list
          elements: dict
answers:
  description: One entry for each of O(requests).
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: The service's namespace.
      type: str
    service:
      description: The service's name.
      type: str
    port:
      description: The port.
      type: str
    path:
      description: What was asked for.
      type: str
    status:
      description: The status code; null where there was no answer.
      type: int
    body:
      description: The first 500 characters of the answer.
      type: str
    reason:
      description: Why there was no answer.
      type: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._ansible.workload_options import WORKLOADS, flux_workloads


def main() -> None:
    module = WORKLOADS.merge(KUBE).create_module()
    run(module, lambda: flux_workloads(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
