# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a key store is reached: the option of plugins/module_utils/_ansible/key_store_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that takes a key by its URI."""

    DOCUMENTATION = r"""
options:
  key_store:
    description:
      - How the store of a key that is given by its URI is reached. Whatever cosign reads from the environment for it is
        read from there as well, see U(https://github.com/proven-gitops/proven.gitops/blob/main/docs/keys.md).
      - A secret is better given here than by C(environment) of a task, since Ansible puts that into a command line.
    type: dict
    suboptions:
      address:
        description:
          - For C(hashivault://) and C(openbao://), the server, such as V(https://vault.example.com:8200).
          - Can be set with the environment variable E(VAULT_ADDR) or E(BAO_ADDR).
        type: str
      token:
        description:
          - For C(hashivault://) and C(openbao://), the token. By default the one in C(~/.vault-token).
          - Can be set with the environment variable E(VAULT_TOKEN) or E(BAO_TOKEN).
        type: str
      pin:
        description:
          - For C(pkcs11:), the PIN of the token's user. A C(pin-value) in the URI comes before it.
          - Can be set with the environment variable E(COSIGN_PKCS11_PIN).
        type: str
      module_path:
        description:
          - For C(pkcs11:), the library of the HSM. A C(module-path) in the URI comes before it.
          - Can be set with the environment variable E(COSIGN_PKCS11_MODULE_PATH).
        type: path
      ca_path:
        description:
          - A file or directory with certificates in PEM format that are trusted, in addition to the system's.
          - Can be set with the environment variable E(PROVEN_KEY_STORE_CA_PATH), E(VAULT_CACERT) or E(AWS_CA_BUNDLE).
        type: path
      insecure:
        description:
          - Allow plain HTTP to a server of another machine. The token can then be read on the way.
          - Can be set with the environment variable E(PROVEN_KEY_STORE_INSECURE).
        type: bool
        default: false
      timeout:
        description: Seconds to wait for a connection, and for each answer.
        type: int
        default: 30
      deadline:
        description: Seconds for one operation of the store, with its retries.
        type: int
        default: 120
      retries:
        description: How often a failed request is sent again.
        type: int
        default: 3
requirements:
  - boto3, for C(awskms://) only
  - google-auth, for C(gcpkms://) only
  - azure-identity, for C(azurekms://) only
  - python-pkcs11, for C(pkcs11:) only
  - kubernetes, for C(k8s://) only
  - PyYAML, for C(k8s://) only
"""
