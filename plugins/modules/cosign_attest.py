#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach signed statements to OCI artifacts the way cosign does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cosign_attest
short_description: Attach signed statements to OCI artifacts the way cosign does
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Signs what is said of an artifact (where it was built, what it consists of, what was found in it), and stores the
    statement beside it in the registry, as C(cosign attest) of cosign 3 does. C(cosign verify-attestation) and
    M(proven.gitops.cosign_verify) with O(proven.gitops.cosign_verify#module:predicate_type) read it.
  - Nothing is attested again when this key has said the same of this digest already. Another predicate of the same
    type is added; what was said before stays.
  - Flux looks at no predicate. To a Flux that trusts a key, every attestation by this key is a signature, so attest
    with another key than the one that signs. The module warns where both are the same.
options:
  reference:
    description:
      - The artifact by digest, as V(oci://host/repository@sha256:...).
      - Exactly one of O(reference), O(references) and O(attestations) is required.
    type: str
  references:
    description: Several artifacts of which the same is said, each by digest.
    type: list
    elements: str
  predicate_type:
    description:
      - The type of the statement, by the name that cosign has for it, or any other URI. The names are V(slsaprovenance)
        and V(slsaprovenance02) (SLSA 0.2), V(slsaprovenance1) (SLSA 1), V(spdx) and V(spdxjson), V(cyclonedx),
        V(openvex), V(vuln), V(link) and V(custom).
      - A predicate that is not of the type is refused. V(custom) takes any text.
      - Required with O(reference) and O(references).
    type: str
  predicate:
    description:
      - What is said, as data.
      - Exactly one of O(predicate) and O(predicate_path) is required with O(reference) and O(references).
    type: dict
  predicate_path:
    description: A file in JSON with what is said, of at most 46 MiB. With V(custom), any text.
    type: path
  attestations:
    description: Several statements in one task.
    type: list
    elements: dict
    suboptions:
      reference:
        description: As O(reference).
        type: str
        required: true
      predicate_type:
        description: As O(predicate_type).
        type: str
        required: true
      predicate:
        description: As O(predicate).
        type: dict
      predicate_path:
        description: As O(predicate_path).
        type: path
requirements:
  - urllib3
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._keyless
  - proven.gitops._key_store
  - proven.gitops._privatekey
  - proven.gitops._registry
notes:
  - An SPDX document must be in JSON. cosign also attests its other form, as text; readers of bundles cannot read it.
  - The tag C(sha256-<hex>.att) of cosign 2 is not written. cosign 2.6 verifies what this module writes with
    C(--new-bundle-format) and C(--trusted-root).
seealso:
  - module: proven.gitops.cosign_sign
  - module: proven.gitops.cosign_verify
"""

EXAMPLES = r"""
---
- name: Attach the bill of materials
  proven.gitops.cosign_attest:
    reference: "{{ pushed.artifact.reference }}"
    predicate_type: cyclonedx
    predicate_path: build/sbom.json
    privatekey_path: attest.key
    privatekey_passphrase: "{{ vault_attest_password }}"

- name: Say of each artifact where it comes from
  proven.gitops.cosign_attest:
    attestations:
      - reference: "{{ pushed.artifacts[0].reference }}"
        predicate_type: https://example.com/reviewed/v1
        predicate:
          reviewers: [alice, bob]
      - reference: "{{ pushed.artifacts[1].reference }}"
        predicate_type: slsaprovenance1
        predicate_path: build/provenance.json
    privatekey_content: "{{ vault_attest_key }}"
    privatekey_passphrase: "{{ vault_attest_password }}"
"""

RETURN = r"""
attestations:
  description: One entry for each statement, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    reference:
      description: The artifact by digest, without C(oci://).
      type: str
    digest:
      description: The digest that the statement is about.
      type: str
    key:
      description: The fingerprint of the key.
      type: str
    predicate_type:
      description: The type of the statement, as a URI.
      type: str
    present:
      description: Whether this key had said the same before.
      type: bool
    failure:
      description: Why this one failed, as C(code), C(message) and C(details).
      type: dict
key:
  description:
    - The fingerprint of the key, C(sha256:) and the digest of the public key in DER form.
    - V(null) in check mode where O(privatekey_path) does not exist yet. Then all statements are predicted as missing,
      with a warning.
  returned: success
  type: str
key_version:
  description: The version of O(key) that signed, where its store has versions. V(null) else.
  returned: success
  type: str
public_key:
  description: The public key in PEM format. V(null) for keyless attestations.
  returned: success
  type: str
identity:
  description: Whom the certificate names, or will name as far as the token says.
  returned: success, with keyless attestations
  type: str
issuer:
  description: The issuer of the identity.
  returned: success, with keyless attestations
  type: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.attest_options import ATTEST, attest
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    module = ATTEST.merge(REGISTRY).create_module()
    run(
        module,
        lambda: attest(
            module.params,
            registries(module),
            progress(module),
            check_mode=module.check_mode,
            register=register_secret(module),
        ),
    )


if __name__ == "__main__":
    main()
