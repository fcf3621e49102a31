# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a Kubernetes API: the options of plugins/module_utils/_ansible/kube_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that talks to a cluster."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The kubeconfig file. Several are joined by V(:).
      - Without it, those of E(KUBECONFIG), then C(~/.kube/config), then the service account of the pod that the task
        runs in. With O(host) and neither O(kubeconfig) nor O(context), no file is read.
      - Can be set with the environment variable E(K8S_AUTH_KUBECONFIG).
    type: path
  context:
    description:
      - The context in the kubeconfig. Without it, its current one.
      - Can be set with the environment variable E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - The address of the API server, such as V(https://192.0.2.1:6443).
      - Plain V(http://) is refused where it would carry credentials beyond this host.
      - Can be set with the environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - A bearer token.
      - Can be set with the environment variable E(K8S_AUTH_API_KEY).
    type: str
  ca_cert:
    description:
      - A file with the certificates of the authorities that may vouch for the API server.
      - Can be set with the environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases:
      - ssl_ca_cert
  client_cert:
    description:
      - A file with a client certificate.
      - Can be set with the environment variable E(K8S_AUTH_CERT_FILE).
    type: path
    aliases:
      - cert_file
  client_key:
    description:
      - A file with the private key of O(client_cert).
      - Can be set with the environment variable E(K8S_AUTH_KEY_FILE).
    type: path
    aliases:
      - key_file
  validate_certs:
    description:
      - Whether the API server has to prove who it is. Without it, what the kubeconfig says, or V(true).
      - Can be set with the environment variable E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases:
      - verify_ssl
  proxy:
    description:
      - The address of a proxy on the way to the API server.
      - Can be set with the environment variable E(K8S_AUTH_PROXY).
    type: str
  request_timeout:
    description:
      - How long the API server may be silent, in seconds.
      - Can be set with the environment variable E(K8S_AUTH_REQUEST_TIMEOUT).
    type: int
    default: 30
"""

    # Options of the modules that apply objects on the server.
    FORCE_CONFLICTS = r"""
options:
  force_conflicts:
    description:
      - Whether to take over fields that another field manager has set to another value, as
        C(kubectl apply --server-side --force-conflicts) and C(kubernetes.core.k8s) do it.
      - Without it, the task fails and names the fields and their managers. Such a manager is a controller or another
        tool, which would set them again.
      - A field that a person set with kubectl or the flux CLI is taken over without it, as it is by Flux's own
        kustomize-controller. What is declared holds. An equal value is nobody's conflict.
    type: bool
    default: false
"""
