# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a registry and how to get in: the options of plugins/module_utils/_ansible/registry_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by every module that talks to a registry."""

    DOCUMENTATION = r"""
options:
  username:
    description:
      - The user name at the registry, together with O(password).
      - Without it and O(identity_token), credentials are looked for in the environment variable E(DOCKER_AUTH_CONFIG)
        (the text of a Docker configuration), in C($DOCKER_CONFIG/config.json) or C(~/.docker/config.json), and in the
        files of Podman (E(REGISTRY_AUTH_FILE), C($XDG_RUNTIME_DIR/containers/auth.json),
        C(~/.config/containers/auth.json)). The first that knows the repository decides. Credential helpers named
        there are asked. C(~/.netrc) is never read.
      - What is given here is sent to every registry that the task names.
      - Can be set with the environment variable E(PROVEN_REGISTRY_USERNAME).
    type: str
  password:
    description:
      - The password, or the access token that the registry takes for one.
      - Can be set with the environment variable E(PROVEN_REGISTRY_PASSWORD).
    type: str
  identity_token:
    description:
      - A token that the registry's token server exchanges for access tokens (OAuth2 refresh token), instead of
        O(password).
      - Can be set with the environment variable E(PROVEN_REGISTRY_IDENTITY_TOKEN).
    type: str
  docker_config:
    description:
      - A Docker C(config.json), a Podman C(auth.json), or the directory of a C(config.json). It replaces all places
        that are named under O(username).
      - Can be set with the environment variable E(PROVEN_REGISTRY_DOCKER_CONFIG).
    type: path
  ca_path:
    description:
      - A file with PEM certificates of authorities to trust besides the system's, or a directory of such files, named
        as C(openssl rehash) does.
      - Can be set with the environment variable E(PROVEN_REGISTRY_CA_PATH).
    type: path
  client_cert:
    description:
      - A PEM file with the certificate that we show to the registry, and its key where O(client_key) is not given.
      - Can be set with the environment variable E(PROVEN_REGISTRY_CLIENT_CERT).
    type: path
  client_key:
    description:
      - A PEM file with the key of O(client_cert), without a passphrase.
      - Can be set with the environment variable E(PROVEN_REGISTRY_CLIENT_KEY).
    type: path
  insecure:
    description:
      - V(true) for a registry that speaks plain HTTP. Anybody on the way can then read the credentials.
      - Without it, plain HTTP is used for names of this machine only (V(localhost) and loopback addresses), as
        C(flux) and C(cosign) do, and not where O(ca_path) or O(client_cert) is given. V(false) demands TLS there.
      - Can be set with the environment variable E(PROVEN_REGISTRY_INSECURE).
    type: bool
  timeout:
    description:
      - How long to wait for a connection, and for the registry to say something, in seconds.
      - Can be set with the environment variable E(PROVEN_REGISTRY_TIMEOUT).
    type: int
    default: 30
  deadline:
    description:
      - How long one operation (asking for a manifest, storing a blob) may take with all its retries, in seconds. A
        transfer may take longer as long as it moves at 64 KiB in a second or more. Reading all signatures that one
        artifact has in a format is one operation.
      - Can be set with the environment variable E(PROVEN_REGISTRY_DEADLINE).
    type: int
    default: 300
  retries:
    description:
      - How often to try again what failed for a reason that may pass (no connection, status 408, 429, 500, 502, 503 or
        504). The pause grows from try to try, and is the one that the registry asks for (C(Retry-After)) where it does.
      - Can be set with the environment variable E(PROVEN_REGISTRY_RETRIES).
    type: int
    default: 3
  concurrency:
    description:
      - How many artifacts are worked on at the same time.
      - Can be set with the environment variable E(PROVEN_REGISTRY_CONCURRENCY).
    type: int
    default: 4
notes:
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY), or their lower-case
    forms; never for this machine.
"""
