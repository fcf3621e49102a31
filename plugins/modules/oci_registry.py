#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of the module oci_registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_registry
version_added: 1.0.0
short_description: Run a small OCI registry on the local machine
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Starts, stops or removes a small OCI registry that needs nothing but Python and one directory.
  - It serves demonstrations, Molecule scenarios and tests. It is not made for production. It has no TLS,
    never reclaims the space of what was deleted, and does not sync what it stores to the device.
  - The registry is a process of its own that keeps running when the task and the play have ended.
  - It speaks version 1.1 of the OCI distribution specification, so that C(flux), C(cosign), C(oras) and C(crane)
    can use it just as this collection does.
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.ACTIONGROUP
options:
  state:
    description:
      - V(started) makes sure that the registry runs with these options and answers. It is restarted when it runs
        with others, or with the code of another version of this collection.
      - V(stopped) ends the process and keeps the content.
      - V(absent) ends the process and removes the content. Of O(data_dir), only what the registry itself put there
        is removed. A registry whose O(data_dir) is removed by anything else ends by itself within seconds.
    type: str
    choices: [started, stopped, absent]
    default: started
  data_dir:
    description:
      - The directory for the registry's content, settings and log. It is what tells one registry from another.
      - It must not exist, be empty, or be the data directory of such a registry. It must belong to the user that
        the task runs as, and not be writable for others.
    type: path
    required: true
  host:
    description:
      - The address to listen on, by default only for this machine.
      - Any other than a loopback address is refused unless O(allow_remote) is set.
    type: str
    default: 127.0.0.1
  allow_remote:
    description:
      - Accept an O(host) that others can reach. Traffic, passwords included, is not encrypted.
    type: bool
    default: false
  names:
    description:
      - More names, without a port, by which a registry without O(username) may be asked.
      - Such a registry answers only where it is asked by an address, by O(host), by the machine's own name, by
        C(localhost), or by a name without a dot, as containers and nodes of kind have them. Otherwise a page in a
        browser could reach it under a name of its own (DNS rebinding). What a page of another place sends is refused in
        any case.
    type: list
    elements: str
    default: []
  port:
    description:
      - The TCP port to listen on.
      - With V(0), the system chooses a free one at the first start. It is remembered in O(data_dir), so that
        the addresses of what was pushed stay the same.
    type: int
    default: 0
  username:
    description:
      - The name of the only user. Without it, the registry asks nobody for credentials.
      - If not set, the value of the environment variable E(PROVEN_REGISTRY_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username). Only a salted hash of it is kept, in a file that only its owner can read.
      - If not set, the value of the environment variable E(PROVEN_REGISTRY_PASSWORD) is used.
    type: str
  auth:
    description:
      - How clients prove that they know O(password).
      - With V(basic) they send it with each request, with V(bearer) they get short-lived tokens for it from
        the registry's own token endpoint. Clients find out by themselves.
      - Counts only with O(username) and O(password).
    type: str
    choices: [basic, bearer]
    default: basic
  referrers:
    description:
      - Whether the registry has the referrers API, by which signatures and other artifacts are found from
        what they are about.
      - With V(false) it answers as registries without that API do, and clients fall back on tags.
    type: bool
    default: true
  wait_timeout:
    description:
      - The number of seconds in which a started registry must answer.
    type: int
    default: 30
seealso:
  - module: proven.gitops.oci_push
  - name: OCI distribution specification
    description: What the registry implements.
    link: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

EXAMPLES = r"""
---
- name: Run a registry for this play
  proven.gitops.oci_registry:
    data_dir: /var/tmp/demo-registry
  register: demo_registry

- name: Push to it
  proven.gitops.oci_push:
    reference: "oci://{{ demo_registry.address }}/manifests/app:1.0.0"
    path: ./manifests

- name: Run a registry that wants a password and gives tokens
  proven.gitops.oci_registry:
    data_dir: /var/tmp/private-registry
    port: 5001
    username: ci
    password: "{{ vault_registry_password }}"
    auth: bearer

- name: Run one as registries without the referrers API are
  proven.gitops.oci_registry:
    data_dir: /var/tmp/old-registry
    referrers: false

- name: Stop a registry and keep its content
  proven.gitops.oci_registry:
    data_dir: /var/tmp/private-registry
    state: stopped

- name: Remove a registry with all its content
  proven.gitops.oci_registry:
    data_dir: /var/tmp/demo-registry
    state: absent
"""

RETURN = r"""
address:
  description: The registry's C(host:port), as it stands in references. Null while no port is known.
  returned: success
  type: str
  sample: 127.0.0.1:41231
url:
  description: The same as a URL.
  returned: success
  type: str
  sample: http://127.0.0.1:41231
port:
  description: The TCP port, also of a registry that is stopped. Null where none was chosen yet.
  returned: success
  type: int
  sample: 41231
pid:
  description: The process that serves. Null where none does, and in check mode where a new one would.
  returned: success
  type: int
  sample: 4711
data_dir:
  description: The directory with the registry's content.
  returned: success
  type: str
  sample: /var/tmp/demo-registry
log:
  description:
    - The file with what the registry had to say since its last start. Requests are not logged.
    - Null when O(state=absent).
  returned: success
  type: str
  sample: /var/tmp/demo-registry/server.log
actions:
  description: What was done, or would be done in check mode.
  returned: success
  type: list
  elements: str
  sample: ["start a registry at 127.0.0.1:41231"]
failure:
  description: What went wrong, for programs.
  returned: failure
  type: dict
  contains:
    code:
      description: The kind of failure, such as V(invalid_option) or V(registry_process).
      returned: always
      type: str
    message:
      description: The same sentence as in RV(ignore:msg).
      returned: always
      type: str
    details:
      description: More about it, such as the option at fault.
      returned: always
      type: dict
"""

import os
from pathlib import Path

from ..module_utils._ansible.argspec import ArgumentSpec
from ..module_utils._ansible.registry_login import LOGIN
from ..module_utils._ansible.run import run
from ..module_utils._tasks.local.local_registry import LocalRegistry, Wanted

SPEC = ArgumentSpec(
    options={
        "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
        "data_dir": {"type": "path", "required": True},
        "host": {"type": "str", "default": "127.0.0.1"},
        "allow_remote": {"type": "bool", "default": False},
        "names": {"type": "list", "elements": "str", "default": []},
        "port": {"type": "int", "default": 0},
        "auth": {"type": "str", "choices": ["basic", "bearer"], "default": "basic"},
        "referrers": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 30},
    },
    required_together=(("username", "password"),),
)


def main() -> None:
    """Entry point of the module."""
    module = SPEC.merge(LOGIN).create_module()
    options = dict(module.params)
    options["data_dir"] = Path(os.path.abspath(options["data_dir"]))
    run(module, lambda: LocalRegistry(Wanted(**options)))


if __name__ == "__main__":
    main()
