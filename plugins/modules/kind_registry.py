#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a registry beside a kind cluster, or remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_registry
short_description: Run a registry beside a kind cluster, or remove it
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Runs a registry in a container on the network of a cluster, and tells containerd in the cluster's nodes of it, as
    kind's guide to local registries describes.
  - Pods and Flux reach it as RV(cluster_address), over plain HTTP. This machine reaches it as RV(address). Images named
    V(localhost:<port>/...) are pulled from it as well.
  - The registry has no authentication and no TLS. It is for development and tests.
  - A container that somebody else made is used where it is as declared, and never removed.
requirements:
  - Docker, with the program C(docker) on E(PATH)
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup
  - proven.gitops._attributes.progress
options:
  name:
    description:
      - The container's name, and the host name that the cluster knows it by.
    type: str
    default: kind-registry
  state:
    description:
      - Whether the registry is to run. V(absent) removes the container with all that it stores, and what the nodes know
        of it.
    type: str
    choices:
      - present
      - absent
    default: present
  cluster:
    description:
      - The name of the kind cluster. It has to be there, but for O(state=absent).
    type: str
    default: kind
  image:
    description:
      - The registry's image. It has to listen on port 5000.
    type: str
    default: docker.io/library/registry:3
  port:
    description:
      - The port on this machine.
    type: int
    default: 5001
  listen_address:
    description:
      - The IP address of this machine to listen on. Anybody who reaches it can push.
    type: str
    default: 127.0.0.1
  on_drift:
    description:
      - What to do when a container of that name has another image or port. V(warn) goes on, with warnings.
    type: str
    choices:
      - fail
      - warn
    default: fail
  wait_timeout:
    description:
      - How long the registry may take to answer, in seconds.
    type: int
    default: 60
seealso:
  - module: proven.gitops.kind_cluster
  - module: proven.gitops.oci_registry
  - name: Local Registry
    description: kind's own guide.
    link: https://kind.sigs.k8s.io/docs/user/local-registry/
"""

EXAMPLES = r"""
---
- name: Run a registry beside the cluster demo
  proven.gitops.kind_registry:
    cluster: demo
  register: registry

- name: Push to it
  proven.gitops.oci_push:
    reference: "oci://{{ registry.address }}/manifests/app:1.0.0"
    path: ./manifests

- name: Remove it
  proven.gitops.kind_registry:
    cluster: demo
    state: absent
"""

RETURN = r"""
name:
  description: The container's name.
  type: str
  returned: success
state:
  description: The state it has now, or would have.
  type: str
  returned: success
address:
  description: By which this machine reaches it.
  type: str
  returned: success
  sample: 127.0.0.1:5001
cluster_address:
  description: By which nodes and pods of the cluster reach it.
  type: str
  returned: success
  sample: kind-registry:5000
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
    - The code is one of V(invalid_option), V(docker_unavailable), V(drift), V(foreign_container), V(creation_failed),
      V(not_ready) and V(kind_failed).
  type: dict
  returned: failure
"""

from ..module_utils._ansible.kind_options import REGISTRY, kind_registry
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.run import run


def main() -> None:
    """Parse, run or remove, leave."""
    module = REGISTRY.create_module()
    run(module, lambda: kind_registry(module.params, progress(module)))


if __name__ == "__main__":
    main()
