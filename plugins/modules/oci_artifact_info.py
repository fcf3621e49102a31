#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at OCI artifacts in a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_info
short_description: Look at OCI artifacts in a registry
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Returns the digest, the annotations, the tags of the repository, and the signatures of artifacts, in either of
    cosign's formats.
  - Nothing is proven here. What a signature is worth, M(proven.gitops.cosign_verify) says.
options:
  reference:
    description:
      - The artifact, by digest or by tag.
      - Exactly one of O(reference) and O(references) is required.
    type: str
  references:
    description: Several artifacts in one task.
    type: list
    elements: str
  tags:
    description: Return the tags of the artifact's repository. Tags that cosign makes for signatures are left out.
    type: bool
    default: true
  signatures:
    description: Return the signatures of the artifact.
    type: bool
    default: true
requirements:
  - cryptography
  - urllib3
extends_documentation_fragment:
  - proven.gitops._attributes.info_module
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._registry
seealso:
  - module: proven.gitops.cosign_verify
"""

EXAMPLES = r"""
---
- name: Look at an artifact
  proven.gitops.oci_artifact_info:
    reference: oci://ghcr.io/example/manifests/cert-manager:v1.9.1
  register: found

- name: Show its digest and how often it is signed
  ansible.builtin.debug:
    msg: "{{ found.artifacts[0].digest }} has {{ found.artifacts[0].signatures | length }} signatures"
"""

RETURN = r"""
artifacts:
  description: One entry for each reference, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    asked:
      description: The reference as it was given, without C(oci://).
      type: str
    exists:
      description: Whether the registry has it. The rest of the entry is there only if it has.
      type: bool
    reference:
      description: The artifact by digest, without C(oci://).
      type: str
    url:
      description: The same with C(oci://).
      type: str
    digest:
      description: The digest of the manifest.
      type: str
    media_type:
      description: The media type that the registry gave for the manifest.
      type: str
    kind:
      description: V(image) or V(index).
      type: str
    artifact_type:
      description: The artifact type, or the media type of the config where the manifest names none.
      type: str
    annotations:
      description: The annotations of the manifest.
      type: dict
    created:
      description: The annotation C(org.opencontainers.image.created).
      type: str
    source:
      description: The annotation C(org.opencontainers.image.source).
      type: str
    revision:
      description: The annotation C(org.opencontainers.image.revision).
      type: str
    layers:
      description: The descriptors of the layers.
      type: list
      elements: dict
    tags:
      description:
        - The tags of the repository, sorted. Returned with O(tags=true), also for a reference that does not exist.
      type: list
      elements: str
    signatures:
      description: What claims to be a signature of the artifact, unproven. Returned with O(signatures=true).
      type: list
      elements: dict
      contains:
        format:
          description: V(bundle) or V(legacy).
          type: str
        digest:
          description: The digest of the referrer (bundle), or of the payload (legacy).
          type: str
        key_hint:
          description: Which key a bundle says it is signed with.
          type: str
        predicate_type:
          description: What a bundle says of the artifact.
          type: str
        fault:
          description: Why it cannot be a valid signature, if that is known already.
          type: str
    failure:
      description: Why this artifact failed, as C(code), C(message) and C(details).
      type: dict
actions:
  description: Always empty.
  returned: always
  type: list
  elements: str
failure:
  description: Why the task failed, as C(code), C(message) and C(details).
  returned: failure
  type: dict
"""

from ..module_utils._ansible.argspec import ArgumentSpec
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.references import REFERENCES, references
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import run
from ..module_utils._tasks.artifact.inspect import Inspect

SPEC = ArgumentSpec(
    options={"tags": {"type": "bool", "default": True}, "signatures": {"type": "bool", "default": True}}
)


def main() -> None:
    module = SPEC.merge(REFERENCES, REGISTRY).create_module()
    run(
        module,
        lambda: Inspect(
            references(module.params),
            registries(module),
            progress(module),
            with_tags=module.params["tags"],
            with_signatures=module.params["signatures"],
            concurrency=module.params["concurrency"],
        ),
    )


if __name__ == "__main__":
    main()
