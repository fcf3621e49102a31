#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secrets that a verified source of Flux needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_secret
short_description: Give Flux the public keys that prove, and the login that fetches
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Makes one Secret in a cluster, by server-side apply with the field manager V(proven.gitops). It holds the public
    keys of O(public_keys), for C(spec.verify.secretRef) of an C(OCIRepository), or the O(trusted_root) for its
    C(spec.verify.trustedRootSecretRef), or the login at O(registry) for its C(spec.secretRef).
  - Private keys are refused. Each public key gets a name that ends in C(.pub), since Flux looks at no other.
  - Flux trusts every key in the Secret that ends in C(.pub). One that somebody else put there fails the task.
  - Of Docker's configuration nothing but the user name and password for O(registry) gets to the cluster.
  - Nothing that is secret is shown, neither in the diff nor in the result.
requirements:
  - PyYAML
  - urllib3
  - kubernetes
  - cryptography
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_cluster
  - proven.gitops._attributes.defaults
  - proven.gitops._key_store
  - proven.gitops._kube
  - proven.gitops._kube.force_conflicts
attributes:
  check_mode:
    details:
      - The API server tries everything by a dry run. A namespace that is missing is a warning in check mode, because an
        earlier task may be going to make it.
  diff_mode:
    details:
      - Shows the fingerprints of public keys, and of logins the registry and the user name.
options:
  state:
    description:
      - Whether the Secret is to be there or not. V(absent) deletes it, whatever is in it.
    type: str
    choices:
      - present
      - absent
    default: present
  name:
    description:
      - The Secret's name, such as V(cosign-pub) or V(ghcr-auth).
    type: str
    required: true
  namespace:
    description:
      - Its namespace, the one of the source that uses it.
    type: str
    default: flux-system
  public_keys:
    description:
      - Public keys of which any one may have signed.
      - With O(state=present), one of O(public_keys), O(trusted_root) and O(registry) is required.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The key's name in the Secret. It must end in C(.pub).
          - By default the file's name, with C(.pub) in place of another ending, or V(cosign.pub).
        type: str
      path:
        description: A file with a public key in PEM format, on the host that runs the module.
        type: path
      content:
        description: A public key in PEM format.
        type: str
      uri:
        description:
          - The URI of a key in a key store, as C(cosign verify --key) takes it. See O(key_store).
          - The public key is read from the store each time.
        type: str
  trusted_root:
    description:
      - The trusted root of a private Sigstore, by which Flux 2.9 and later prove keyless signatures. A file, or the
        document itself as a map or JSON text. It becomes V(trusted_root.json) in the Secret.
    type: raw
  registry:
    description:
      - The registry that the cluster logs in to, as V(host[:port]) or V(host[:port]/path), in the words of the source's
        C(url).
    type: str
  credentials_from:
    description:
      - The registry whose credentials to look for in Docker's configuration, where this host knows it under another
        address than the cluster does. By default O(registry).
    type: str
  username:
    description:
      - The user name at the registry. Without it, the one in O(docker_config), or in Docker's or podman's own
        configuration, which may name a credential helper.
      - Can be set with the environment variable E(PROVEN_REGISTRY_USERNAME).
    type: str
  password:
    description:
      - The password or access token of O(username).
      - Can be set with the environment variable E(PROVEN_REGISTRY_PASSWORD).
    type: str
  docker_config:
    description:
      - A C(config.json) of Docker's, or the directory that has one, to be read instead of those in their usual places.
      - Can be set with the environment variable E(PROVEN_REGISTRY_DOCKER_CONFIG).
    type: path
  flux_version:
    description:
      - The version of Flux in the cluster, such as V(2.10), in quotes.
      - Before 2.10, Flux does not verify again what it has fetched when a key is taken out of a Secret. The task then
        warns, also when the version is not given.
    type: str
seealso:
  - module: proven.gitops.flux_oci_source
  - module: proven.gitops.cosign_keypair
"""

EXAMPLES = r"""
---
- name: Trust a key
  proven.gitops.flux_secret:
    name: cosign-pub
    public_keys:
      - path: cosign.pub

- name: Trust the next key as well, while artifacts are signed anew
  proven.gitops.flux_secret:
    name: cosign-pub
    public_keys:
      - path: cosign.pub
      - path: next/cosign.pub
        name: next.pub

- name: Trust the key of a key store, and say when the cluster has another one
  proven.gitops.flux_secret:
    name: cosign-pub
    public_keys:
      - uri: awskms:///alias/release

- name: Let Flux log in with a token from a vault
  proven.gitops.flux_secret:
    name: ghcr-auth
    registry: ghcr.io
    username: example
    password: "{{ vault_ghcr_token }}"

- name: Let Flux log in with what docker login left on this host
  proven.gitops.flux_secret:
    name: ghcr-auth
    registry: ghcr.io/example

- name: Log in to a registry that the cluster knows by another address
  proven.gitops.flux_secret:
    name: registry-auth
    registry: registry.internal:5000
    credentials_from: registry.example.com

- name: Take a Secret away, with the token of a service account
  proven.gitops.flux_secret:
    host: https://192.0.2.1:6443
    api_key: "{{ cluster_token }}"
    ca_cert: cluster-ca.pem
    name: ghcr-auth
    state: absent
"""

RETURN = r"""
secret:
  description: The Secret.
  returned: success
  type: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    type:
      description: V(Opaque) or V(kubernetes.io/dockerconfigjson). Empty with O(state=absent).
      type: str
    change:
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
    data:
      description: What may be seen of each value, such as the fingerprint of a public key.
      type: dict
      sample:
        cosign.pub: sha256:21df526189622a63133d0475a8b95000d84a78691332ef18ca93fc332ae6f0c6
    origins:
      description:
        - The key store of each public key that was given by a URI, with the version of the key that was taken.
        - Where the Secret in the cluster has another key, a warning names both fingerprints.
      type: dict
      sample:
        cosign.pub: hashivault://release (version 2)
actions:
  description: What was done, or would be, a short sentence each.
  returned: success
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.kube_options import KUBE
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._ansible.secret_options import FLUX_SECRET, flux_secret


def main() -> None:
    module = FLUX_SECRET.merge(KUBE).create_module()
    run(module, lambda: flux_secret(module.params, register_secret(module)))


if __name__ == "__main__":
    main()
