#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply Flux's install manifests to a cluster, or take Flux out of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_components
short_description: Apply Flux's install manifests to a cluster, or take Flux out of it
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Applies install manifests of Flux, or of flux-operator, on the server with the field manager V(proven.gitops).
    Namespaces and definitions go first, and are waited for. Then comes the rest, until every Deployment is available.
  - What C(flux install) or C(flux bootstrap) has installed is adopted, and left as it is where nothing differs.
  - A Flux that gets its components from git, by C(flux bootstrap) or the role P(proven.gitops.flux_install#role),
    applies itself. There nothing is applied. See O(when_synced).
  - Refuses manifests that hold nothing of Flux, a second Flux in another namespace, and, without O(force_conflicts),
    one that another tool manages.
requirements:
  - PyYAML
  - kubernetes
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._attributes.progress
  - proven.gitops._kube
  - proven.gitops._kube.force_conflicts
attributes:
  check_mode:
    details:
      - The API server tries everything by a dry run, but what needs a namespace or a definition that is not there yet.
  diff_mode:
    details:
      - Shows the objects. Of definitions, schemas are left out, and of Secrets the data.
options:
  state:
    description:
      - Whether the components are to be there.
      - V(absent) without O(src) and O(content) removes all of Flux as C(flux uninstall) does, controllers first, with
        its definitions, all objects of them, and its namespace. What Flux has applied to the cluster stays.
      - V(absent) with O(src) or O(content) removes those objects, in reverse, each gone before the next.
    type: str
    choices:
      - present
      - absent
    default: present
  src:
    description:
      - A file with the manifests, on the host that runs the module, such as a release's C(install.yaml), or what C(flux
        install --export) prints.
      - Mutually exclusive with O(content). One of them is required with O(state=present).
    type: path
  content:
    description:
      - The manifests, as YAML.
    type: str
  namespace:
    description:
      - The namespace of Flux. The manifests name it themselves.
    type: str
    default: flux-system
  when_synced:
    description:
      - What to do when Flux gets its components from git.
      - V(fail) fails where anything differs. V(keep) leaves them to Flux, and only waits until they are available.
    type: str
    choices:
      - fail
      - keep
    default: fail
  keep_namespace:
    description:
      - Whether to leave the namespace, with O(state=absent).
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until all Deployments are available, and objects of definitions, such as a C(FluxInstance), are
        ready.
      - Definitions, and what is to go, are always waited for.
    type: bool
    default: true
  wait_timeout:
    description:
      - For how long, in seconds, all in all.
    type: int
    default: 300
seealso:
  - module: proven.gitops.flux_sync
  - name: flux install
    description: The manifests, and how to export them.
    link: https://fluxcd.io/flux/cmd/flux_install/
"""

EXAMPLES = r"""
---
- name: Install Flux from a file
  proven.gitops.flux_components:
    src: flux-install.yaml
    kubeconfig: demo.kubeconfig

- name: Install it from a release, by its checksum
  block:
    - name: Download the manifests
      ansible.builtin.get_url:
        url: https://github.com/fluxcd/flux2/releases/download/v2.10.1/install.yaml
        checksum: "sha256:{{ flux_checksum }}"
        dest: build/install.yaml
        mode: "0644"

    - name: Apply them, with the token of a service account
      proven.gitops.flux_components:
        src: build/install.yaml
        host: https://192.0.2.1:6443
        api_key: "{{ cluster_token }}"
        ca_cert: cluster-ca.pem

- name: Take Flux out of the cluster of a context
  proven.gitops.flux_components:
    state: absent
    context: kind-demo
"""

RETURN = r"""
version:
  description: The release of Flux that the manifests are labelled with. Empty where they say none.
  returned: success
  type: str
  sample: v2.9.5
previous_version:
  description: The one that was there before, if any.
  returned: success
  type: str
synced:
  description: Whether Flux gets its components from git here.
  returned: success
  type: bool
components:
  description: The Deployments.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
    images:
      description: The images of its containers.
      type: list
      elements: str
resources:
  description: One entry for each object that was looked at.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace. Empty for what belongs to the cluster.
      type: str
    name:
      description: Its name.
      type: str
    change:
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
actions:
  description: What was done, or would be, in order.
  returned: success
  type: list
  elements: str
failure:
  description:
    - Why the task failed, as C(code), C(message) and C(details). With the code V(not_ready), C(details.waiting) says of
      each object what holds it up, such as its pods' reasons.
  returned: failure
  type: dict
"""

from ..module_utils._ansible.flux_install_options import COMPONENTS, flux_install
from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    """Parse, apply or remove, leave."""
    module = COMPONENTS.merge(KUBE).create_module()
    run(module, lambda: flux_install(module.params, register_secret(module), progress(module)))


if __name__ == "__main__":
    main()
