# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of keyless verification."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that verifies signatures."""

    DOCUMENTATION = r"""
options:
  certificate_identity:
    description:
      - Who may have signed keyless, as the certificate names it. An e-mail address, or a URI such as that of
        a workflow.
      - Exactly one of it and O(certificate_identity_regexp) is needed.
    type: str
  certificate_identity_regexp:
    description:
      - The same as a regular expression (RE2), which must match all of the identity. One that lets in what
        anybody can
        have is refused.
    type: str
  certificate_oidc_issuer:
    description:
      - By the word of which issuer. An identity is never taken without.
      - Exactly one of it and O(certificate_oidc_issuer_regexp) is needed.
    type: str
  certificate_oidc_issuer_regexp:
    description: The same as a regular expression (RE2), which must match all of the issuer.
    type: str
  certificate_github_workflow_trigger:
    description: The event of the GitHub workflow that signed.
    type: str
  certificate_github_workflow_sha:
    description: The commit of the GitHub workflow that signed.
    type: str
  certificate_github_workflow_name:
    description: The name of the GitHub workflow that signed.
    type: str
  certificate_github_workflow_repository:
    description: The repository (C(owner/name)) of the GitHub workflow that signed.
    type: str
  certificate_github_workflow_ref:
    description: The git reference of the GitHub workflow that signed.
    type: str
  certificate_identities:
    description: Several identities, any of which will do, beside those above and the keys.
    type: list
    elements: dict
    suboptions:
      identity:
        description:
          - Who may have signed keyless, as the certificate names it. An e-mail address, or a URI such as that
            of a workflow.
          - Exactly one of it and O(certificate_identities[].identity_regexp) is needed.
        type: str
      identity_regexp:
        description:
          - The same as a regular expression (RE2), which must match all of the identity. One that lets in
            what anybody can
            have is refused.
        type: str
      oidc_issuer:
        description:
          - By the word of which issuer. An identity is never taken without.
          - Exactly one of it and O(certificate_identities[].oidc_issuer_regexp) is needed.
        type: str
      oidc_issuer_regexp:
        description: The same as a regular expression (RE2), which must match all of the issuer.
        type: str
      github_workflow_trigger:
        description: The event of the GitHub workflow that signed.
        type: str
      github_workflow_sha:
        description: The commit of the GitHub workflow that signed.
        type: str
      github_workflow_name:
        description: The name of the GitHub workflow that signed.
        type: str
      github_workflow_repository:
        description: The repository (C(owner/name)) of the GitHub workflow that signed.
        type: str
      github_workflow_ref:
        description: The git reference of the GitHub workflow that signed.
        type: str
  trusted_root:
    description:
      - Whose word proves a keyless signature, as C(cosign trusted-root create) writes it. A file, or the
        document itself
        as a map or JSON text.
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
      - A signature by a key of O(public_keys) counts only with an entry in a log of O(trusted_root), which is proven.
        Keyless signatures always need one.
    type: bool
    default: false
requirements:
  - sigstore, for identities only
  - google-re2, for regular expressions only
"""
