#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let Flux reconcile, and wait until it has verified and applied what was published."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_reconcile
short_description: Let Flux reconcile, and wait for what it verified and applied
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Asks Flux to reconcile an object now, waits until it has answered this very request, and judges what it says of the
    object as it is now. C(Ready) and C(SourceVerified) count only where they were set for the present generation.
  - With O(expected_digest) the object has to be at that digest, not at whatever a tag or a range finds.
  - A signature that Flux refuses fails the task at once, with Flux's reason and message, and so does whatever else
    waiting cannot mend, such as an address that is wrong or manifests that cannot be built. What may pass, such as a
    registry that does not answer, is waited for until O(wait_timeout), and Flux is asked again every 10 seconds.
  - Objects of O(resources) are worked on in their order, each when the one before is done, so that a git repository can
    come before the objects that are declared in it. A failure does not keep the others from being tried, except for
    what takes from the object that failed.
  - Of a Secret without a usable public key Flux says only that no signature matches. When it refuses an artifact, that
    Secret is looked at, where these credentials may, and what is wrong with it is said, too.
requirements:
  - kubernetes
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._attributes.progress
  - proven.gitops._kube
attributes:
  check_mode:
    details:
      - The API server tries the requests by a dry run. An object that is missing or suspended is a warning in check
        mode, because an earlier task may be going to make it.
  diff_mode:
    details:
      - Shows the annotation that makes the request.
  idempotent:
    support: partial
    details:
      - With O(expected_digest), an object that is ready at that digest is left alone, and nothing is changed.
      - Without it there is nothing to compare with, so each run makes a request, which is a change of the object.
options:
  kind:
    description: The kind of the object.
    type: str
    choices:
      - OCIRepository
      - Kustomization
      - GitRepository
      - HelmRelease
      - HelmChart
      - HelmRepository
      - Bucket
    default: OCIRepository
  name:
    description:
      - The name of the object.
      - Exactly one of O(name) and O(resources) is required.
    type: str
  namespace:
    description: The namespace of the object, or of those in O(resources) that name none.
    type: str
    default: flux-system
  expected_digest:
    description:
      - The digest that the object is to be at, such as RV(proven.gitops.oci_push#module:artifacts[].digest), or for git
        the commit, such as RV(proven.gitops.git_publish#module:commit).
      - For a source it is the digest that its revision ends in, for a C(Kustomization) that of the revision it applied,
        for a C(HelmRelease) that of its C(OCIRepository).
      - A source that Flux finds at another digest is looked at for 30 seconds more, because registries and mirrors may
        be late.
    type: str
  with_source:
    description:
      - Whether the source of a C(Kustomization) or C(HelmRelease) is reconciled first. O(expected_digest) counts for
        both then, and without one a C(Kustomization) has to arrive at the revision of its source.
    type: bool
    default: false
  resources:
    description: Several objects in one task, in the order in which they depend on each other.
    type: list
    elements: dict
    suboptions:
      kind:
        description: As O(kind).
        type: str
        choices:
          - OCIRepository
          - Kustomization
          - GitRepository
          - HelmRelease
          - HelmChart
          - HelmRepository
          - Bucket
        default: OCIRepository
      name:
        description: As O(name).
        type: str
        required: true
      namespace:
        description: As O(namespace), which is also its default.
        type: str
      expected_digest:
        description: As O(expected_digest).
        type: str
      with_source:
        description: As O(with_source).
        type: bool
        default: false
  request:
    description:
      - When to ask Flux.
      - V(auto) asks unless the object is ready at its expected digest already. Without such a digest it always asks.
      - V(always) asks also then.
      - V(never) only waits for what Flux does by itself, and needs no right to change anything.
    type: str
    choices:
      - auto
      - always
      - never
    default: auto
  require_verification:
    description:
      - Whether a source fails that does not ask for signatures at all.
      - One that asks for them and is not verified fails in any case.
    type: bool
    default: false
  wait:
    description: Whether to wait for the verdict. Without it, nothing that Flux says fails the task.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait for each object, in seconds.
    type: int
    default: 300
  wait_sleep:
    description: The longest pause between two looks at an object, in seconds. The first ones are shorter.
    type: float
    default: 1.0
seealso:
  - module: proven.gitops.flux_oci_source
  - module: proven.gitops.flux_source_info
  - name: Flux on reconciliation
    description: The annotation that asks for it.
    link: https://fluxcd.io/flux/components/source/ocirepositories/#triggering-a-reconcile
"""

EXAMPLES = r"""
---
- name: Wait until Flux has verified what was published
  proven.gitops.flux_reconcile:
    name: cert-manager
    expected_digest: "{{ pushed.artifact.digest }}"
    require_verification: true

- name: The same, and until it is applied
  proven.gitops.flux_reconcile:
    kind: Kustomization
    name: cert-manager
    with_source: true
    expected_digest: "{{ pushed.artifact.digest }}"

- name: Follow a commit through the fleet's repository to the workload
  proven.gitops.flux_reconcile:
    resources:
      - kind: Kustomization
        name: flux-system
        with_source: true
        expected_digest: "{{ published.commit }}"
      - kind: Kustomization
        name: cert-manager
        with_source: true
        expected_digest: "{{ pushed.artifact.digest }}"

- name: Look for something new now, and do not wait, in the cluster of a token
  proven.gitops.flux_reconcile:
    name: app
    wait: false
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem

- name: Prove that something unsigned is refused
  proven.gitops.flux_reconcile:
    name: app
    context: staging
  register: drill
  failed_when: drill.failure.code | default('') != 'refused'
"""

RETURN = r"""
resources:
  description: One entry for each object, also for a source that came along, in the order in which they were worked on.
  returned: success, or when an object failed
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    requested:
      description: Whether Flux was asked, or in check mode would be.
      type: bool
    state:
      description:
        - V(ready), or V(working) while Flux is at it.
        - V(retrying) after a failure that may pass, V(elsewhere) at another digest than expected.
        - V(refused) for its signature, V(failed) for another reason, V(suspended), V(missing).
        - V(unknown) where it was not looked at.
      type: str
    ready:
      description: Whether it is ready; null where that is not decided yet.
      type: bool
    verified:
      description: Whether Flux verified it; null where the object asks for no signature, or Flux has not said.
      type: bool
    reason:
      description: Flux's reason, such as V(Succeeded) or V(VerificationError).
      type: str
    message:
      description: Flux's message.
      type: str
    revision:
      description: What a source advertises, or what was applied, such as V(1.0.0@sha256:…).
      type: str
    digest:
      description: The digest of the revision.
      type: str
    expected_digest:
      description: The digest that was expected.
      type: str
    generation:
      description: The generation of the object that this is about.
      type: int
    last_handled:
      description: The request that Flux answered last.
      type: str
    conditions:
      description: All conditions as they were seen last.
      type: list
      elements: dict
      contains:
        type:
          description: The type, such as V(Ready).
          type: str
        status:
          description: V("True"), V("False") or V(Unknown).
          type: str
        reason:
          description: The reason.
          type: str
        message:
          description: The message.
          type: str
        observed_generation:
          description: The generation that it was set for.
          type: int
        last_transition_time:
          description: When it last changed.
          type: str
    duration:
      description: How long it took, in seconds.
      type: float
    failure:
      description: Why it is not ready, as C(code), C(message) and C(details).
      type: dict
ready:
  description: Whether all of them are ready.
  returned: success, or when an object failed
  type: bool
actions:
  description: What was done, or would be, a short sentence each.
  returned: always
  type: list
  elements: str
failure:
  description:
    - Why the task failed, as C(code), C(message) and C(details).
    - The code is V(refused), V(not_ready), V(elsewhere), V(timed_out), V(suspended), V(not_found), V(no_namespace),
      V(not_installed), V(source_failed), or says why the cluster could not be asked. Of several objects it is
      V(batch_failed), with C(details.failures).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.reconcile_options import RECONCILE, flux_reconcile
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    module = RECONCILE.merge(KUBE).create_module()
    run(module, lambda: flux_reconcile(module.params, register_secret(module), progress(module)))


if __name__ == "__main__":
    main()
