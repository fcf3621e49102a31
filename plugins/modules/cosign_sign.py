#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign OCI artifacts the way cosign does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cosign_sign
short_description: Sign OCI artifacts the way cosign does
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Signs the digests of artifacts with a private key in cosign's encrypted format, and stores the signatures beside
    them in the registry, where cosign and Flux find them. Neither a transparency log nor any other service is
    contacted.
  - Or signs them keyless, with a certificate of Fulcio for an identity token, an entry in a transparency log and a time
    stamp. Everything that these services give is proven by O(trusted_root) before it is stored.
  - Nothing is signed again when a signature is there that is valid, by this key or identity, in the wanted format, with
    exactly the wanted annotations.
  - One decrypted key signs all artifacts of a task, or one certificate for as long as it is valid.
options:
  reference:
    description:
      - The artifact by digest, as V(oci://host/repository@sha256:...). A tag is refused, since it could be moved
        between the moment it is resolved and the moment its digest is signed.
      - Exactly one of O(reference) and O(references) is required.
    type: str
  references:
    description: Several artifacts in one task, each by digest.
    type: list
    elements: str
  annotations:
    description: What the signature says of the artifact, as C(cosign sign -a) does. Values must be strings.
    type: dict
  format:
    description:
      - V(bundle) writes a sigstore bundle as a referrer of the artifact, as cosign 3 does, and Flux 2.8 and later
        reads.
      - V(legacy) writes to the tag C(sha256-<hex>.sig), as cosign 2 does, and every Flux reads.
      - V(both) writes both. cosign 2.6 then verifies the bundle only, and wants a file with a trusted root for it, even
        an empty one; where it has to verify too, use V(legacy).
      - V(auto) writes what O(flux_version) finds in the registry of the artifact, which is a bundle wherever possible.
    type: str
    choices: [bundle, legacy, both, auto]
    default: bundle
  flux_version:
    description:
      - The oldest version of Flux that has to verify the signature, such as V(2.8). By default the newest.
      - A format that this version does not find is refused.
    type: str
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
  - Between hosts that sign the same digest at the same moment nothing but reading back tells whether a signature was
    lost, since a registry cannot compare and swap. It is read back, and written again where it was lost. Bundles in a
    registry with a referrers API cannot be lost.
seealso:
  - module: proven.gitops.cosign_keypair
  - module: proven.gitops.cosign_verify
"""

EXAMPLES = r"""
---
- name: Sign what was pushed
  proven.gitops.cosign_sign:
    reference: "{{ pushed.artifact.reference }}"
    privatekey_path: cosign.key
    privatekey_passphrase: "{{ vault_cosign_password }}"

- name: Sign keyless, with a token and the services of a private Sigstore
  proven.gitops.cosign_sign:
    reference: "{{ pushed.artifact.reference }}"
    oidc_identity_token_path: /var/run/sigstore/token
    trusted_root: trusted_root.json
    signing_config: signing_config.json

- name: Sign with a key that never leaves AWS
  proven.gitops.cosign_sign:
    references: "{{ pushed.artifacts | map(attribute='reference') }}"
    key: awskms:///alias/release

- name: Sign many artifacts with a key from a vault, for a fleet that still has Flux 2.7
  proven.gitops.cosign_sign:
    references: "{{ pushed.artifacts | map(attribute='reference') }}"
    privatekey_content: "{{ vault_cosign_key }}"
    privatekey_passphrase: "{{ vault_cosign_password }}"
    annotations:
      environment: production
    format: auto
    flux_version: "2.7"
"""

RETURN = r"""
signatures:
  description: One entry for each reference, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    reference:
      description: The artifact by digest, without C(oci://).
      type: str
    digest:
      description: The digest that is signed.
      type: str
    key:
      description: The fingerprint of the key. V(null) for keyless signatures.
      type: str
    formats:
      description: The formats wanted.
      type: list
      elements: str
    signed:
      description: Those of them in which a signature was missing.
      type: list
      elements: str
    present:
      description: Those of them in which the wanted signature was there already.
      type: list
      elements: str
    failure:
      description: Why this artifact failed, as C(code), C(message) and C(details).
      type: dict
key:
  description:
    - The fingerprint of the key, C(sha256:) and the digest of the public key in DER form.
    - V(null) in check mode where O(privatekey_path) does not exist yet. Then all signatures are predicted as missing,
      with a warning.
  returned: success
  type: str
key_version:
  description:
    - The version of O(key) that signed all artifacts of the task. It is the one that was newest when the task started,
      unless the URI names a version.
    - V(null) for a key file, and for a key store that knows no versions.
  returned: success
  type: str
public_key:
  description:
    - The public key in PEM format, as it goes into the Secret that Flux verifies with.
    - V(null) for keyless signatures.
  returned: success
  type: str
identity:
  description: Whom the certificate names, or will name as far as the token says.
  returned: success, with keyless signatures
  type: str
issuer:
  description: The issuer of the identity.
  returned: success, with keyless signatures
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

from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._ansible.sign_options import SIGN, sign


def main() -> None:
    module = SIGN.merge(REGISTRY).create_module()
    run(
        module,
        lambda: sign(
            module.params,
            registries(module),
            progress(module),
            check_mode=module.check_mode,
            register=register_secret(module),
        ),
    )


if __name__ == "__main__":
    main()
