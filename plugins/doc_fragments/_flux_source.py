# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source and its Kustomization are: the options of plugins/module_utils/_ansible/flux_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """The fields of both objects, in snake case."""

    DOCUMENTATION = r"""
options:
  name:
    description: The name of the C(OCIRepository).
    type: str
    required: true
  namespace:
    description: The namespace of the C(OCIRepository), and of the Secrets it names.
    type: str
    default: flux-system
  labels:
    description: Labels of the C(OCIRepository). Values must be strings.
    type: dict
  annotations:
    description: Annotations of the C(OCIRepository). Values must be strings.
    type: dict
  url:
    description:
      - The repository as the cluster reaches it, V(oci://host[:port]/repository), without tag and digest. That may be
        another address than the one that was pushed to.
      - Required with O(state=present).
    type: str
  allow_loopback:
    description:
      - Whether O(url) may name this very machine. To a cluster that is the controller's own pod, so it is right only
        where source-controller runs on the registry's host network, or for a demonstration without a cluster.
    type: bool
    default: false
  ref:
    description:
      - Which artifact of the repository. By default the newest release, C(semver="*").
      - At most one of O(ref.digest), O(ref.semver) and O(ref.tag).
    type: dict
    suboptions:
      tag:
        description: A tag.
        type: str
      semver:
        description: A range of versions, such as V(>=1.2.0 <2) or V(1.4.x). The newest tag in it is taken.
        type: str
      semver_filter:
        description: A regular expression of Go's; only tags that match it count for O(ref.semver).
        type: str
      digest:
        description: A digest, V(sha256:) and 64 hexadecimal digits.
        type: str
  interval:
    description: How often Flux looks at the repository, such as V(5m) or V(1h30m).
    type: str
    default: 5m
  timeout:
    description: How long one operation on the registry may take, such as V(90s). Flux's default is 60 seconds.
    type: str
  layer_selector:
    description: Which layer of the artifact Flux takes. By default the first one, unpacked.
    type: dict
    suboptions:
      media_type:
        description: The media type of the layer.
        type: str
      operation:
        description: Whether Flux unpacks the layer or keeps it as it is.
        type: str
        choices:
          - extract
          - copy
  ignore:
    description: What to leave out of the artifact, in gitignore format. Replaces Flux's defaults.
    type: str
  provider:
    description: Whose login Flux uses for the registry. Not used by Flux while O(secret_ref) is given.
    type: str
    choices:
      - generic
      - aws
      - azure
      - gcp
  secret_ref:
    description: The Secret with the registry's credentials, of type C(kubernetes.io/dockerconfigjson).
    type: str
  service_account_name:
    description: The ServiceAccount whose pull secrets, or whose identity, Flux uses for the registry.
    type: str
  cert_secret_ref:
    description: The Secret with C(ca.crt), or C(tls.crt) and C(tls.key), for the connection to the registry.
    type: str
  proxy_secret_ref:
    description: The Secret with the C(address) of a proxy, and its C(username) and C(password).
    type: str
  insecure:
    description: Whether the registry is reached by plain HTTP. Signatures are verified all the same.
    type: bool
  suspend:
    description: Whether Flux leaves this source alone.
    type: bool
  verify:
    description:
      - How Flux proves an artifact before it takes it. By default with cosign, and the keys in the Secret
        C(cosign-pub).
    type: dict
    suboptions:
      provider:
        description: What the artifact is signed with. V(notation) needs O(verify.secret_ref).
        type: str
        choices:
          - cosign
          - notation
        default: cosign
      secret_ref:
        description:
          - The Secret with the public keys, each in an entry whose name ends with C(.pub). One that matches is enough.
          - For V(notation), the Secret with C(trustpolicy.json) and the certificates.
        type: str
      match_oidc_identity:
        description:
          - Who may have signed without a key. Flux ignores it while O(verify.secret_ref) is given, so both is refused.
          - Several of one issuer become one with alternatives, since Flux takes no more for bundles. Several issuers
            with different subjects are refused, unless O(signature_format=legacy).
        type: list
        elements: dict
        suboptions:
          issuer:
            description:
              - A regular expression of Go's for the issuer of the identity, such as
                V(^https://token\\.actions\\.githubusercontent\\.com$). Must have both anchors.
              - Must name a whole host, and the tenant too where everybody can have one, as on
                V(login.microsoftonline.com).
            type: str
            required: true
          subject:
            description:
              - A regular expression of Go's for the identity, such as V(^https://github\\.com/example/app/.*$).
              - Must begin with V(^), and end with V($) or V(/).
              - Every alternative must name the host of a URL, or the domain of an e-mail address. Where everybody can
                have an account, it must name the account too. On V(github.com) that is the owner, and of an address at
                V(gmail.com) all of it.
              - V(^.*@refs/heads/main$) names nobody, since everybody has such a branch. V(^.*@example\\.com$) does not
                either, since a branch can have such a name. Write V(^[^@/]+@example\\.com$) instead.
            type: str
            required: true
      trusted_root_secret_ref:
        description: The Secret with the C(trusted_root.json) of a private Sigstore. Since Flux 2.9.
        type: str
  unverified:
    description:
      - Whether Flux is to take anything from the repository, signed or not. A warning says so, each time.
    type: bool
    default: false
  signature_format:
    description:
      - The format of the signatures in the repository, the O(proven.gitops.cosign_sign#module:format) they are made
        with. It is not part of the objects; the rules need it.
      - V(auto) is whichever O(flux_version) reads.
    type: str
    choices:
      - auto
      - bundle
      - legacy
      - both
    default: auto
  kustomization:
    description:
      - The C(Kustomization) that applies the artifact. V({}) is one with all defaults. Without it, none is made.
      - In a cluster, one that an earlier task made is not removed when this is left out.
    type: dict
    suboptions:
      name:
        description: Its name. By default O(name).
        type: str
      namespace:
        description: Its namespace. By default O(namespace).
        type: str
      labels:
        description: Its labels. Values must be strings.
        type: dict
      annotations:
        description: Its annotations. Values must be strings.
        type: dict
      interval:
        description: How often the objects in the cluster are compared with the artifact.
        type: str
        default: 1h
      retry_interval:
        description: How soon to try again after a failure. By default O(kustomization.interval).
        type: str
      timeout:
        description: How long applying, and waiting for health, may take.
        type: str
        default: 5m
      path:
        description: The directory in the artifact.
        type: str
        default: .
      prune:
        description: Whether what is no longer in the artifact is removed from the cluster.
        type: bool
        default: true
      wait:
        description: Whether all objects have to be healthy before it counts as ready.
        type: bool
        default: true
      force:
        description: Whether objects that cannot be changed in place are made anew.
        type: bool
      suspend:
        description: Whether Flux leaves this one alone.
        type: bool
      service_account_name:
        description: The ServiceAccount in whose name it applies.
        type: str
      target_namespace:
        description: The namespace that all objects are put into.
        type: str
      depends_on:
        description: What has to be ready first.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name of a C(Kustomization).
            type: str
            required: true
          namespace:
            description: Its namespace, if it is another one.
            type: str
      health_checks:
        description:
          - The objects whose health decides. Needs O(kustomization.wait=false), since Flux ignores them otherwise.
        type: list
        elements: dict
        suboptions:
          api_version:
            description: The object's API version.
            type: str
          kind:
            description: The object's kind.
            type: str
            required: true
          name:
            description: The object's name.
            type: str
            required: true
          namespace:
            description: The object's namespace.
            type: str
      post_build:
        description: Variables that are put into the manifests.
        type: dict
        suboptions:
          substitute:
            description: Names and values. Values must be strings.
            type: dict
          substitute_from:
            description: ConfigMaps and Secrets whose entries are variables.
            type: list
            elements: dict
            suboptions:
              kind:
                description: Which of the two.
                type: str
                required: true
                choices:
                  - ConfigMap
                  - Secret
              name:
                description: Its name.
                type: str
                required: true
              optional:
                description: Whether it may be missing.
                type: bool
"""
