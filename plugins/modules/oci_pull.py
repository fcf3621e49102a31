#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack a Flux OCI artifact into a directory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_pull
short_description: Unpack a Flux OCI artifact into a directory
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Downloads the first layer of an artifact, a gzipped tar, and writes its files below a directory.
  - The bytes are checked against their digests, and the whole archive is read and found safe, before the first file
    is written.
  - Nothing is ever written outside O(dest). Symbolic links in the archive are skipped, as Flux skips them. Hard links,
    devices, sparse files, absolute names, names with C(..), C(.git) in any spelling, and names that are one file on a
    Mac or on Windows are errors.
  - Signatures are not looked at. Run M(proven.gitops.cosign_verify) first, and pull the digest that it returns.
options:
  reference:
    description:
      - The artifact, by digest or by tag. A tag is resolved once.
      - Exactly one of O(reference) and O(artifacts) is required.
    type: str
  dest:
    description:
      - The directory, made if it is missing. Files that are not in the artifact stay.
      - Required with O(reference).
    type: path
  artifacts:
    description: Several artifacts in one task.
    type: list
    elements: dict
    suboptions:
      reference:
        description: As O(reference).
        type: str
        required: true
      dest:
        description: As O(dest).
        type: path
        required: true
  max_size:
    description:
      - The most that an archive may unpack to, in bytes. A layer that is larger than this and 16 MiB even before it is
        unpacked is not downloaded.
    type: int
    default: 1073741824
  max_entries:
    description: The most files and directories that an archive may hold.
    type: int
    default: 100000
requirements:
  - urllib3
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._registry
seealso:
  - module: proven.gitops.cosign_verify
"""

EXAMPLES = r"""
---
- name: Verify, and then pull what was verified
  proven.gitops.cosign_verify:
    reference: oci://ghcr.io/example/manifests/cert-manager:v1.9.1
    public_keys:
      - path: cosign.pub
  register: checked

- name: Pull the verified digest
  proven.gitops.oci_pull:
    reference: "{{ checked.verdicts[0].reference }}"
    dest: ./manifests
"""

RETURN = r"""
artifacts:
  description: One entry for each artifact, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    reference:
      description: The artifact by digest, without C(oci://).
      type: str
    digest:
      description: The digest of the manifest.
      type: str
    dest:
      description: The directory.
      type: str
    annotations:
      description: The annotations of the manifest.
      type: dict
    entries:
      description: How many entries the archive has.
      type: int
    written:
      description: The names that were missing or had another content.
      type: list
      elements: str
    skipped_links:
      description: The names of symbolic links, which are not unpacked.
      type: list
      elements: str
    failure:
      description: Why this artifact failed, as C(code), C(message) and C(details).
      type: dict
actions:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.pull_options import PULL, limits, pull_requests
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import run
from ..module_utils._tasks.artifact.pull import Pull


def main() -> None:
    module = PULL.merge(REGISTRY).create_module()
    run(
        module,
        lambda: Pull(
            pull_requests(module.params),
            registries(module),
            limits(module.params),
            progress(module),
            workdir=module.tmpdir,
            concurrency=module.params["concurrency"],
        ),
    )


if __name__ == "__main__":
    main()
