#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare to Flux which OCI artifact to fetch, and how to prove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_oci_source
short_description: Declare an OCI artifact to Flux, and how it is proven
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes an C(OCIRepository) (C(source.toolkit.fluxcd.io/v1)) and, with O(kustomization), the C(Kustomization)
    (C(kustomize.toolkit.fluxcd.io/v1)) that applies what it fetches.
  - Writes them to a file in a git work tree with O(dest), applies them to a cluster with O(target=cluster), or only
    returns them with O(target=none).
  - Sources are verified, by default with the public keys in the Secret C(cosign-pub). Not to verify has to be said with
    O(unverified=true).
  - Refuses what Flux would refuse, and above all what Flux would take without proving anything, such as an identity
    that a key makes it ignore, or a pattern that lets anybody in. RV(findings) has the rules.
  - Options are the fields of the API in snake case.
requirements:
  - PyYAML
  - kubernetes, with O(target=cluster) only
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._attributes.defaults
  - proven.gitops._flux_source
  - proven.gitops._kube
  - proven.gitops._kube.force_conflicts
attributes:
  check_mode:
    details:
      - In a cluster, the API server tries everything by a dry run. A namespace or a CRD that is missing is a warning in
        check mode, because an earlier task may be going to make it.
  diff_mode:
    details:
      - Of objects in a cluster, shows the spec and what changes in the metadata.
options:
  state:
    description:
      - Whether the objects are to be there or not.
      - V(absent) removes the file, or from the cluster the C(OCIRepository) and, if O(kustomization) is given (if only
        as V({})), the C(Kustomization). Flux then removes what that applied, if it prunes.
    type: str
    choices:
      - present
      - absent
    default: present
  target:
    description:
      - Where the objects go. There is no default but V(file) when O(dest) is given, so that no task writes to a cluster
        that it did not name.
      - V(cluster) applies them on the server with the field manager V(proven.gitops).
      - V(none) only renders them, for RV(content) and RV(manifests).
      - One of O(target) and O(dest) is required.
    type: str
    choices:
      - file
      - cluster
      - none
  dest:
    description:
      - The file, in a directory that exists. It holds these objects only; a file with anything else in it is refused.
      - A file that has the same objects in another spelling stays as it is.
    type: path
  flux_version:
    description:
      - The version of Flux that is to read this, such as V(2.9), in quotes. Rules answer for that version.
      - By default the newest known one, 2.10.
    type: str
seealso:
  - module: proven.gitops.cosign_sign
  - module: proven.gitops.git_publish
  - name: OCIRepository
    description: Flux's own description of the fields.
    link: https://fluxcd.io/flux/components/source/ocirepositories/
"""

EXAMPLES = r"""
---
- name: Write the source and what applies it to the fleet's work tree
  proven.gitops.flux_oci_source:
    dest: fleet/clusters/my-cluster/cert-manager-sync.yaml
    name: cert-manager
    url: oci://ghcr.io/example/manifests/cert-manager
    secret_ref: ghcr-auth
    kustomization: {}

- name: Render it, and let git_publish commit and push it
  proven.gitops.flux_oci_source:
    target: none
    name: cert-manager
    url: oci://ghcr.io/example/manifests/cert-manager
    kustomization: {}
  register: rendered

- name: Apply a source that is proven by identity, with the token of a service account
  proven.gitops.flux_oci_source:
    target: cluster
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem
    name: app
    url: oci://ghcr.io/example/app
    verify:
      match_oidc_identity:
        - issuer: ^https://token\.actions\.githubusercontent\.com$
          subject: ^https://github\.com/example/app/\.github/workflows/release\.yml@refs/tags/.*$

- name: Pin a digest, in the cluster of a context
  proven.gitops.flux_oci_source:
    target: cluster
    context: production
    name: app
    url: oci://registry.example.com/app
    ref:
      digest: "{{ pushed.artifacts[0].digest }}"
    verify:
      secret_ref: release-keys
    kustomization:
      path: ./deploy
      target_namespace: app
      depends_on:
        - name: cert-manager

- name: Take both away again
  proven.gitops.flux_oci_source:
    target: cluster
    state: absent
    name: app
    kustomization: {}
"""

RETURN = r"""
manifests:
  description: The objects, as data. Empty with O(state=absent).
  returned: success
  type: list
  elements: dict
content:
  description: The objects as YAML, one document each. Empty with O(state=absent).
  returned: success
  type: str
target:
  description: Where they went, V(file), V(cluster) or V(none).
  returned: success
  type: str
resources:
  description: One entry for each object of the task.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: V(OCIRepository) or V(Kustomization).
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    change:
      description: V(created), V(updated), V(deleted) or V(unchanged). Always V(unchanged) with O(target=none).
      type: str
findings:
  description: What is to be said about the declaration, though Flux would take it. The same as the task's warnings.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: The rule's name.
      type: str
    severity:
      description: V(warning). An V(error) fails the task, and is in RV(failure).
      type: str
    option:
      description: The option, with its path.
      type: str
    reason:
      description: The reason, in a sentence.
      type: str
actions:
  description: What was done, or would be, a short sentence each.
  returned: success
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details). For a wrong option, C(details.findings).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.flux_options import FLUX_SOURCE, flux_source
from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    module = FLUX_SOURCE.merge(KUBE).create_module()
    run(module, lambda: flux_source(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
