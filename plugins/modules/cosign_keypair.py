#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a key pair in cosign's format."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cosign_keypair
short_description: Make a key pair in cosign's format
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes an ECDSA P-256 key pair to sign artifacts with, as C(cosign generate-key-pair) does. The private key is
    encrypted; cosign itself, M(proven.gitops.cosign_sign) and everything else that reads cosign's keys can use it.
  - A private key that is there is never replaced unless that is asked for. Its passphrase is checked, and a public key
    that is missing is made again from it. Keys of other kinds (RSA, for example), as C(cosign import-key-pair) makes
    them, are kept as well.
  - The files are written whole or not at all, and are never readable by others on the way.
  - With O(key) the key is made where it is kept, in a key store or in a Secret of a cluster, and stays there. An
    existing key is never replaced.
options:
  key:
    description:
      - The URI of the key, as C(cosign generate-key-pair --kms) takes it. Keys are made by C(awskms:///alias/NAME),
        C(hashivault://NAME), C(openbao://NAME), C(pkcs11:token=...;object=NAME) and C(k8s://NAMESPACE/SECRET).
      - C(gcpkms://) and C(azurekms://) are refused where the key is not there yet. Its purpose, protection and rotation
        are decisions for the tools of the vendors.
      - A Secret gets C(cosign.key), C(cosign.pub) and C(cosign.password). The cluster is the one that the variables of
        kubernetes.core (such as E(K8S_AUTH_KUBECONFIG) and E(K8S_AUTH_CONTEXT)) or E(KUBECONFIG) name.
      - Exactly one of O(key) and O(path) is required.
    type: str
  path:
    description:
      - The file of the private key. Its directory must exist.
      - A symbolic link is followed to read a key, but not to write one.
    type: path
  public_key_path:
    description:
      - The file of the public key, which is readable by everybody.
      - By default beside the private key, with C(.pub) in place of C(.key). With O(key) there is none by default.
    type: path
  passphrase:
    description:
      - The passphrase of the private key. With O(path) and C(k8s://) it must always be given, if only as an empty
        string.
      - Every character counts, also a newline at the end.
      - To change it, make a new pair with O(regenerate=always).
      - Can be set with the environment variable E(COSIGN_PASSWORD), which counts also when it is set to nothing.
    type: str
  regenerate:
    description:
      - V(never) leaves a private key that is there as it is, and fails where the file of the public key holds
        anything but its public half.
      - V(public_key) writes the public key anew in that case.
      - V(always) makes a new pair each time, in place of one that is there, with O(path) only. What was signed with the
        old key can then only be verified with a copy of the old public key.
      - The module fails where the private key cannot be read or the passphrase does not open it, unless this is
        V(always).
    type: str
    choices: [never, public_key, always]
    default: never
  mode:
    description:
      - The mode of the private key, as a quoted octal number such as V(0640). Others than owner and group never get
        access.
      - By default a new file has V(0600), and others lose their access to an existing one.
    type: raw
  owner:
    description: The user, by name or number, who owns both files. By default a new file belongs to who runs the task.
    type: str
  group:
    description: The group, by name or number, of both files.
    type: str
requirements:
  - cryptography
  - PyNaCl
  - urllib3
extends_documentation_fragment:
  - proven.gitops._key_store
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup
attributes:
  diff_mode:
    details:
      - The diff names fingerprints; it never shows a key.
  idempotent:
    support: partial
    details:
      - With O(regenerate=always) each run makes a new pair.
seealso:
  - module: proven.gitops.cosign_sign
  - module: proven.gitops.cosign_verify
"""

EXAMPLES = r"""
---
- name: Make cosign.key and cosign.pub, once
  proven.gitops.cosign_keypair:
    path: /etc/cosign/cosign.key
    passphrase: "{{ vault_cosign_password }}"
  register: keypair

- name: Give the public key to Flux
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: Secret
      metadata:
        name: cosign-pub
        namespace: flux-system
      stringData:
        cosign.pub: "{{ keypair.public_key }}"

- name: Make a pair that a group of signers may read, with an empty passphrase
  proven.gitops.cosign_keypair:
    path: /srv/signing/team.key
    public_key_path: /srv/www/team.pub
    passphrase: ""
    mode: "0640"
    group: signers

- name: Replace a pair, with the passphrase from COSIGN_PASSWORD
  proven.gitops.cosign_keypair:
    path: cosign.key
    regenerate: always

- name: Make a key that never leaves Vault, and keep its public key in a file
  proven.gitops.cosign_keypair:
    key: hashivault://release
    public_key_path: release.pub
    key_store:
      address: https://vault.example.com:8200
      token: "{{ vault_token }}"
"""

RETURN = r"""
path:
  description: The absolute path of the private key. V(null) with O(key).
  returned: success
  type: str
public_key_path:
  description: The absolute path of the public key. V(null) where it is written to no file.
  returned: success
  type: str
public_key:
  description:
    - The public key in PEM format, as it goes into the Secret that Flux verifies with.
    - Null in check mode where the pair would still have to be made.
  returned: success
  type: str
fingerprint:
  description: The fingerprint of the key, C(sha256:) and the digest of the public key in DER form. May be null, too.
  returned: success
  type: str
  sample: sha256:0b6a3a8c1f2f4d0b0e5a5c7de4c6f0c0a2d5f3b1e9d8c7b6a5948372615f4e3d
type:
  description: What kind of key it is.
  returned: success
  type: str
  sample: ecdsa-p256
key_version:
  description: The newest version of O(key), where its store has versions, else V(null).
  returned: success
  type: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.keypair_options import KEYPAIR, keypair
from ..module_utils._ansible.run import register_secret, run


def main() -> None:
    module = KEYPAIR.create_module()
    run(module, lambda: keypair(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
