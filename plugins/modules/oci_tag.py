#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make OCI artifacts visible under tags."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_tag
short_description: Make OCI artifacts visible under tags
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Points tags to an artifact that the registry has already, usually one that was pushed by digest, signed and
    verified.
  - A tag that points to something else is moved only with O(move=true).
options:
  reference:
    description:
      - The artifact, by digest or by another tag, as V(oci://host/repository@sha256:...). A tag is resolved once.
      - Exactly one of O(reference) and O(artifacts) is required.
    type: str
  tags:
    description:
      - The tags to set, all in the repository of the artifact.
      - Required with O(reference).
    type: list
    elements: str
    aliases: [tag]
  move:
    description: Allow a tag that points to another digest to be moved.
    type: bool
    default: false
  never_lower:
    description:
      - Refuse to bring an older version back, which is as validly signed as it was. What version an artifact is, those
        of its tags say that are versions of SemVer.
      - A tag may not go from a newer version to an older one, whether it is a version itself, or follows them as
        V(stable) does. An artifact that has a version may not get a higher one where another version is between both.
      - An artifact that has no version yet is new, and may get any, also one below the highest.
      - Takes one request for each version in the repository, of which there may be 5000.
    type: bool
    default: false
  artifacts:
    description: Several artifacts in one task.
    type: list
    elements: dict
    suboptions:
      reference:
        description: As O(reference).
        type: str
        required: true
      tags:
        description: As O(tags).
        type: list
        elements: str
        required: true
        aliases: [tag]
requirements:
  - urllib3
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._registry
seealso:
  - module: proven.gitops.oci_push
  - module: proven.gitops.cosign_verify
"""

EXAMPLES = r"""
---
- name: Make a verified artifact visible
  proven.gitops.oci_tag:
    reference: "{{ pushed.artifact.reference }}"
    tags: v1.9.1

- name: Move the tag that follows releases
  proven.gitops.oci_tag:
    reference: oci://ghcr.io/example/manifests/cert-manager:v1.9.1
    tags: stable
    move: true
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
    url:
      description: The same with C(oci://).
      type: str
    digest:
      description: The digest that the tags point to.
      type: str
    tags:
      description: The tags asked for.
      type: list
      elements: str
    tags_set:
      description: Those of them that were not there, or pointed elsewhere.
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
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import run
from ..module_utils._ansible.tag_options import TAG, tag_requests
from ..module_utils._tasks.artifact.tag import Tag


def main() -> None:
    module = TAG.merge(REGISTRY).create_module()
    run(
        module,
        lambda: Tag(
            tag_requests(module.params),
            registries(module),
            progress(module),
            move=module.params["move"],
            never_lower=module.params["never_lower"],
            concurrency=module.params["concurrency"],
        ),
    )


if __name__ == "__main__":
    main()
