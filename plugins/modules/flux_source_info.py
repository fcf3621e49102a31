#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sources of a cluster are proven, and by which keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_source_info
short_description: See which sources of a cluster are proven, and by which keys
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Returns for one, some or all sources of Flux whether they ask for signatures, which keys or identities they trust,
    what Flux says of the signatures, and what they advertise.
  - Asking for a signature and proving one are two things. RV(sources[].verdict) is what Flux says of the object as it
    is now; RV(sources[].findings) has what is weak, out of date, or asked for and not done.
  - Of a Secret only the public keys are looked at, and only their fingerprints are returned.
requirements:
  - kubernetes
  - cryptography
  - PyNaCl
extends_documentation_fragment:
  - proven.gitops._attributes.info_module
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._kube
options:
  name:
    description: The name of the source. Without it, all.
    type: str
  namespace:
    description: The namespace of the sources. Without it, all.
    type: str
  label_selector:
    description: Only sources with these labels, as C(kubectl) takes them, such as V(team=a,stage!=test).
    type: str
  kinds:
    description: The kinds to look at.
    type: list
    elements: str
    choices:
      - OCIRepository
      - GitRepository
      - HelmChart
    default:
      - OCIRepository
  public_keys:
    description:
      - Whether to look into the Secrets that sources name for cosign's public keys. One that may not be read with
        these credentials is a finding.
    type: bool
    default: true
  flux_version:
    description:
      - The version of Flux in the cluster, such as V(2.9), in quotes.
      - By default what is written on source-controller there, as its install manifests do, if that can be read. Without
        either, rules answer for the newest known version.
    type: str
seealso:
  - module: proven.gitops.flux_oci_source
  - module: proven.gitops.flux_reconcile
"""

EXAMPLES = r"""
---
- name: Look at all sources of the cluster
  proven.gitops.flux_source_info:
  register: found

- name: Nothing may be applied that is not proven
  ansible.builtin.assert:
    that: found.sources | rejectattr('verdict', 'equalto', 'verified') | length == 0
    fail_msg: "{{ found.sources | rejectattr('verdict', 'equalto', 'verified') | map(attribute='name') | join(', ') }}"

- name: Look at one, in the cluster of a context
  proven.gitops.flux_source_info:
    name: cert-manager
    namespace: flux-system
    context: production

- name: Look at those of one team, git repositories included, with the token of a service account
  proven.gitops.flux_source_info:
    label_selector: team=a
    kinds:
      - OCIRepository
      - GitRepository
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem
"""

RETURN = r"""
sources:
  description: One entry for each source, in the order of the kinds asked for, and as the API server lists them.
  returned: success
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
    url:
      description: What it fetches from.
      type: str
    ref:
      description: Which artifact, commit or chart of it, as far as the object says so.
      type: dict
    suspended:
      description: Whether it is suspended.
      type: bool
    verification:
      description: Whether it asks for signatures.
      type: bool
    provider:
      description: V(cosign), V(notation) or V(git); null where it asks for none.
      type: str
    key_secret:
      description: The Secret with the keys or certificates.
      type: str
    public_keys:
      description: The public keys in that Secret; null where it was not read, is not there or is not for cosign.
      type: list
      elements: dict
      contains:
        name:
          description: The name in the Secret, which ends in C(.pub).
          type: str
        fingerprint:
          description: C(sha256:) and the digest of the key, as M(proven.gitops.cosign_keypair) returns it.
          type: str
        kind:
          description: The kind of the key, such as V(ecdsa-p256).
          type: str
        fault:
          description: Why Flux cannot verify with it.
          type: str
    identities:
      description: Who may have signed without a key, as patterns C(issuer) and C(subject).
      type: list
      elements: dict
    trusted_root_secret:
      description: The Secret with the trusted root for identities.
      type: str
    verdict:
      description:
        - V(verified) or V(refused) where Flux said so of the object as it is now.
        - V(not_enforced) where a signature is asked for, and Flux took the artifact without proving one.
        - V(unknown) where Flux has not said anything of the object as it is now.
        - V(off) where no signature is asked for.
      type: str
    reason:
      description: Flux's reason for the verdict, or where there is none, for its state.
      type: str
    message:
      description: Flux's message.
      type: str
    stale:
      description: Whether there is a verdict, but of a former generation of the object.
      type: bool
    verifies_again:
      description:
        - Whether this Flux verifies what it has when the keys in the Secret change, which it does since version 2.10.
        - Null where that is not known, or where there is no such Secret.
      type: bool
    state:
      description: As RV(proven.gitops.flux_reconcile#module:resources[].state), whatever digest it is at.
      type: str
    ready:
      description: Whether it is ready; null while Flux is at it.
      type: bool
    revision:
      description: What it advertises.
      type: str
    digest:
      description: The digest in the revision.
      type: str
    source:
      description: The annotation C(org.opencontainers.image.source) of the artifact that it advertises.
      type: str
    artifact_revision:
      description: The annotation C(org.opencontainers.image.revision) of that artifact.
      type: str
    generation:
      description: The generation of the object.
      type: int
    conditions:
      description: All its conditions.
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
    findings:
      description: What is to be said about it.
      type: list
      elements: dict
      contains:
        rule:
          description: The rule's name.
          type: str
        severity:
          description: V(error), V(warning), or V(note) where nothing is wrong.
          type: str
        option:
          description: The field, as an option of M(proven.gitops.flux_oci_source).
          type: str
        reason:
          description: The reason, in a sentence.
          type: str
verdicts:
  description: How many sources have each verdict.
  returned: success
  type: dict
flux_version:
  description: The version of Flux, if it is known.
  returned: success
  type: str
actions:
  description: Always empty.
  returned: always
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._ansible.source_info_options import SOURCE_INFO, flux_source_info


def main() -> None:
    module = SOURCE_INFO.merge(KUBE).create_module()
    run(module, lambda: flux_source_info(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
