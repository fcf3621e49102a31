# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private key to sign with: the options of plugins/module_utils/_ansible/key_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that signs."""

    DOCUMENTATION = r"""
options:
  privatekey_path:
    description:
      - The file with the private key, in the encrypted format of C(cosign generate-key-pair),
        C(cosign import-key-pair) and M(proven.gitops.cosign_keypair).
      - ECDSA keys on the curve P-256, and RSA keys of 2048, 3072 or 4096 bits can sign. Other keys are refused, since
        neither C(cosign verify) nor Flux accept their signatures by default.
      - Exactly one of O(privatekey_path) and O(privatekey_content) is required. One that is given comes before one from
        the environment.
      - Can be set with the environment variable E(PROVEN_PRIVATEKEY_PATH).
    type: path
  privatekey_content:
    description:
      - The text of such a file, from a vault for example.
      - Can be set with the environment variable E(COSIGN_PRIVATE_KEY).
    type: str
  privatekey_passphrase:
    description:
      - The passphrase of the private key. It must always be given, if only as an empty string.
      - Every character counts, also a newline at the end.
      - Can be set with the environment variable E(COSIGN_PASSWORD), which counts also when it is set to nothing.
    type: str
requirements:
  - cryptography
  - PyNaCl
"""
