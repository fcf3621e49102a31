# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key to sign with: the options of plugins/module_utils/_ansible/key_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that signs."""

    DOCUMENTATION = r"""
options:
  key:
    description:
      - The URI of a key that stays where it is kept, as C(cosign sign --key) takes it. One of
        V(awskms://[HOST]/ID) or V(awskms:///alias/NAME), V(gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K),
        V(azurekms://VAULT_HOST/KEY), V(hashivault://KEY), V(openbao://KEY) and V(pkcs11:token=...;object=...).
      - V(env://NAME) is a key file in an environment variable, and V(k8s://NAMESPACE/SECRET) one in a Secret. They are
        decrypted here, as a file is.
      - The same kinds of keys can sign as from a file. A signature is verified with the store's public key before it is
        pushed.
      - To sign with a key, exactly one of O(key), O(privatekey_path) and O(privatekey_content) is required. One that is
        given comes before one from the environment.
      - Can be set with the environment variable E(PROVEN_KEY).
    type: str
  privatekey_path:
    description:
      - The file with the private key, in the encrypted format of C(cosign generate-key-pair),
        C(cosign import-key-pair) and M(proven.gitops.cosign_keypair).
      - ECDSA keys on the curve P-256, and RSA keys of 2048, 3072 or 4096 bits can sign. Other keys are refused, since
        neither C(cosign verify) nor Flux accept their signatures by default.
      - Can be set with the environment variable E(PROVEN_PRIVATEKEY_PATH).
    type: path
  privatekey_content:
    description:
      - The text of such a file, from a vault for example.
      - Can be set with the environment variable E(COSIGN_PRIVATE_KEY).
    type: str
  privatekey_passphrase:
    description:
      - The passphrase of a key file. It must always be given with one, if only as an empty string.
      - Every character counts, also a newline at the end.
      - Can be set with the environment variable E(COSIGN_PASSWORD), which counts also when it is set to nothing.
    type: str
requirements:
  - cryptography
  - PyNaCl
"""
