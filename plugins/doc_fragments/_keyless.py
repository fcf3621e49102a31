# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of keyless signing."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that signs."""

    DOCUMENTATION = r"""
options:
  keyless:
    description:
      - Whether to sign with a certificate that Fulcio gives for an identity token, and not with a key. Such a
        signature is entered in a transparency log, which is public with V(public-good) services.
      - By default this is so when O(oidc_identity_token) or O(oidc_identity_token_path) is given, and no private key.
    type: bool
  oidc_identity_token:
    description:
      - The identity token (an OpenID Connect ID token for the audience V(sigstore)), as C(cosign sign
        --identity-token) takes it. The option is not called C(identity_token), which is one for the registry.
      - Can be set with the environment variable E(SIGSTORE_ID_TOKEN).
    type: str
  oidc_identity_token_path:
    description: A file with the identity token, such as one that Kubernetes projects into a pod.
    type: path
  trusted_root:
    description:
      - Whose word proves a signature, as C(cosign trusted-root create) writes it. A file, or the document itself as a
        map or JSON text.
      - V(public-good), or the https address of a TUF mirror, is asked each time; what was seen last is kept below
        C($XDG_CACHE_HOME/proven.gitops/tuf), so that nobody can give an older one.
    type: raw
    default: public-good
  tuf_root:
    description:
      - The first C(root.json) of a TUF mirror, where trust in it begins. Needed for every mirror but V(public-good).
    type: path
  transparency_log:
    description:
      - Enter the signatures of a private key in the transparency log of O(signing_config), too, and have them stamped
        where it names a time stamp authority. Without it nothing of a key's signature is sent anywhere but to the
        registry. Keyless signatures are always entered.
    type: bool
    default: false
  signing_config:
    description:
      - Which services sign, as C(cosign signing-config create) writes it. A file, or the document itself as a map or
        JSON text.
      - Where it names a time stamp authority, a signature without its time stamp is an error.
    type: raw
    default: public-good
requirements:
  - sigstore, for keyless signing only
"""
