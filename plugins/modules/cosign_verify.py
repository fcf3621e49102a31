#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove the signatures of OCI artifacts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cosign_verify
short_description: Prove the signatures of OCI artifacts
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Verifies that artifacts are signed by given public keys or keyless by given identities, in either of cosign's
    formats, and gives one verdict for each, with every signature's own reason.
  - The digest inside the signed payload is always compared. A signature counts for one digest only.
  - Each format is looked at by itself. A registry that could not be asked is V(unreachable), and never V(unsigned).
  - The task fails unless all references are verified.
options:
  reference:
    description:
      - The artifact, by digest or by tag. A tag is resolved once, and the digest is returned; use that from then on.
      - Exactly one of O(reference) and O(references) is required.
    type: str
  references:
    description: Several artifacts in one task.
    type: list
    elements: str
  public_keys:
    description:
      - The public keys of which any (or O(threshold) different ones) must have signed.
      - Needed, unless identities are given.
    type: list
    elements: dict
    suboptions:
      path:
        description: A file with a public key in PEM format.
        type: path
      content:
        description: A public key in PEM format.
        type: str
      uri:
        description:
          - The URI of a key in a key store, as C(cosign verify --key) takes it. See O(key_store).
          - The public key is read from the store each time.
        type: str
  threshold:
    description:
      - How many different keys of O(public_keys) and different identities must have signed, together. Flux itself is
        content with one.
    type: int
    default: 1
  annotations:
    description:
      - What a signature must say of the artifact, as C(cosign verify -a) asks. It may say more.
      - Flux does not look at annotations.
    type: dict
  flux_version:
    description:
      - Answer as this version of Flux would, such as V(2.8). Before 2.8 it reads only the legacy format. Since then one
        bundle hides all legacy signatures of an artifact, and a bundle with any predicate counts as a signature.
      - By default both formats are looked at, and only a signature counts as one.
    type: str
  predicate_type:
    description:
      - Verify attestations of this type instead of signatures, by the name that cosign has for it or by its URI, as in
        O(proven.gitops.cosign_attest#module:predicate_type).
      - Not any attestation of the type will do. Where a log or a time stamp says when each was made, the newest decides
        (with O(threshold), the newest of each signer). Where one has no such time, as by a key without a time stamp,
        every one must pass.
      - What those say that decide is in RV(verdicts[].attestations), for a condition of your own in
        M(ansible.builtin.assert).
      - Flux looks at no predicate, so this excludes O(flux_version).
    type: str
  predicate_schema:
    description:
      - A JSON Schema by which the predicate must be valid. C(format) asserts nothing, and nothing that the schema
        refers to is fetched.
      - The references of the task are then verified one after the other. A predicate whose check takes more than 30
        seconds of computing is refused.
      - Needs the Python package jsonschema.
    type: dict
  invocation_id:
    description:
      - Only attestations of this run count. It is C(runDetails.metadata.invocationId) of SLSA 1,
        C(metadata.buildInvocationId) of SLSA 0.2, and C(invocation.event_id) of V(vuln).
    type: str
  min_age:
    description:
      - How old a signature or attestation must be at least, such as V(24h), by the word of a log or a time stamp.
      - One that has no such time is refused.
    type: str
  max_age:
    description: How old it may be at most, as O(min_age).
    type: str
  report_only:
    description:
      - Return refusals instead of failing, for an inventory.
      - A registry that could not be asked still fails the task.
    type: bool
    default: false
requirements:
  - cryptography
  - urllib3
extends_documentation_fragment:
  - proven.gitops._attributes.info_module
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._identities
  - proven.gitops._key_store
  - proven.gitops._registry
seealso:
  - module: proven.gitops.cosign_sign
  - module: proven.gitops.cosign_attest
  - module: proven.gitops.flux_oci_source
"""

EXAMPLES = r"""
---
- name: Prove that the release is signed
  proven.gitops.cosign_verify:
    reference: oci://ghcr.io/example/manifests/cert-manager:v1.9.1
    public_keys:
      - path: cosign.pub
  register: proven

- name: Prove that a release workflow has signed it keyless
  proven.gitops.cosign_verify:
    reference: oci://ghcr.io/example/manifests/cert-manager:v1.9.1
    certificate_identity: https://github.com/example/manifests/.github/workflows/release.yml@refs/heads/main
    certificate_oidc_issuer: https://token.actions.githubusercontent.com
    trusted_root: trusted_root.json

- name: Two of three people must have signed, in a way that Flux 2.8 accepts
  proven.gitops.cosign_verify:
    references: "{{ pushed.artifacts | map(attribute='reference') }}"
    public_keys:
      - path: keys/alice.pub
      - path: keys/bob.pub
      - content: "{{ carols_public_key }}"
    threshold: 2
    flux_version: "2.8"

- name: Nothing is deployed that has a critical vulnerability by today's scan
  proven.gitops.cosign_verify:
    reference: "{{ artifact }}"
    public_keys:
      - path: scanner.pub
    predicate_type: vuln
    predicate_schema:
      required: [scanner]
      properties:
        scanner:
          required: [result]
          properties:
            result:
              required: [critical]
              properties:
                critical:
                  maxItems: 0

- name: Read the provenance
  proven.gitops.cosign_verify:
    reference: "{{ artifact }}"
    public_keys:
      - path: builder.pub
    predicate_type: slsaprovenance1
  register: provenance

- name: Ask for more than a schema can say
  ansible.builtin.assert:
    that: said | reject('match', '^git\+https://git\.example/fleet@') | length == 0
  vars:
    said: >-
      {{ provenance.verdicts[0].attestations
         | map(attribute='predicate.buildDefinition.externalParameters.source') }}

- name: Verify with the public key of a key store
  proven.gitops.cosign_verify:
    reference: "{{ pushed.artifact.reference }}"
    public_keys:
      - uri: hashivault://release
    key_store:
      address: https://vault.example.com:8200
      token: "{{ vault_token }}"

- name: Take an inventory without failing on what is unsigned
  proven.gitops.cosign_verify:
    references: "{{ everything }}"
    public_keys:
      - path: cosign.pub
    report_only: true
  register: inventory
"""

RETURN = r"""
verdicts:
  description: One entry for each reference, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    reference:
      description: The artifact by digest, as far as its digest is known.
      type: str
    asked:
      description: The reference as it was given, without C(oci://).
      type: str
    digest:
      description: The digest that the verdict is about.
      type: str
    verdict:
      description:
        - V(verified), by as many of the given keys as were asked for.
        - V(unsigned), the registry was asked, and there is no signature.
        - V(wrong_key), there are signatures, but not by enough of the given keys, or keyless ones that O(trusted_root)
          does not prove.
        - V(wrong_identity), a keyless signature is proven, but by another identity; or a signature is valid by a given
          key or identity, but does not say what was asked for (annotations, run, policy over the predicate), or is not
          of the age asked for.
        - V(tampered), a signature is valid by a given key or identity, but for another digest, or bytes do not match
          their digest.
        - V(malformed), a signature cannot be read by the rules of its format.
        - V(not_found), the registry was asked, and has no such artifact, or does not show it to these credentials.
          Asking again does not help.
        - V(unreachable), the registry could not be asked. Only this one may be worth a retry.
      type: str
    verified:
      description: Whether the verdict is V(verified).
      type: bool
    reason:
      description: Why, in a sentence.
      type: str
    formats:
      description: The formats of the signatures that passed.
      type: list
      elements: str
    signed_by:
      description:
        - The fingerprints (SHA-256 of the public key in DER form) of the given keys that signed, and the identities, as
          C(identity (issuer)).
      type: list
      elements: str
    signatures:
      description: Every signature that was looked at.
      type: list
      elements: dict
      contains:
        format:
          description: V(bundle) or V(legacy).
          type: str
        verdict:
          description: The verdict on this signature alone.
          type: str
        reason:
          description: Why, in a sentence.
          type: str
        key:
          description: The fingerprint of the given key, or the identity, that it is valid by.
          type: str
        identity:
          description: Whom the certificate of a proven keyless signature names, whether asked for or not.
          type: str
        issuer:
          description: The issuer of that identity.
          type: str
        digest:
          description: The digest of the referrer (bundle), or of the payload (legacy).
          type: str
        annotations:
          description: What the signature says of the artifact.
          type: dict
        predicate_type:
          description: The kind of statement in a bundle.
          type: str
        time:
          description: When it was made, by the word of a log or a time stamp. V(null) where neither says so.
          type: str
    attestations:
      description: With O(predicate_type), those attestations whose word decides. Otherwise empty.
      type: list
      elements: dict
      contains:
        predicate_type:
          description: The type, as a URI.
          type: str
        predicate:
          description: What it says.
          type: dict
        omitted:
          description: Whether RV(verdicts[].attestations[].predicate) is left out, since it is larger than 1 MiB.
          type: bool
        key:
          description: The fingerprint of the key that signed it.
          type: str
        digest:
          description: The digest of the referrer.
          type: str
        time:
          description: As RV(verdicts[].signatures[].time).
          type: str
        verdict:
          description: The verdict on this attestation alone.
          type: str
        reason:
          description: Why, in a sentence.
          type: str
verified:
  description: Whether all references are verified.
  returned: always
  type: bool
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

from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.references import references
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._ansible.verify_options import VERIFY, policy
from ..module_utils._tasks.signing.verify import Verify


def main() -> None:
    module = VERIFY.merge(REGISTRY).create_module()
    run(
        module,
        lambda: Verify(
            references(module.params),
            registries(module),
            policy(module.params, register_secret(module)),
            progress(module),
            report_only=module.params["report_only"],
            concurrency=module.params["concurrency"],
        ),
    )


if __name__ == "__main__":
    main()
