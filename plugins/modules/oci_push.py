#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push Kubernetes manifests as Flux OCI artifacts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_push
short_description: Push Kubernetes manifests as Flux OCI artifacts
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Packs a directory or a file into a Flux artifact, as C(flux push artifact) does, and pushes it to a registry.
  - Nothing is pushed when the registry already has the same content with the same requested annotations, also where the
    Flux CLI pushed it.
  - The packed bytes depend on names and contents only. Owners, times, modes, umask, time zone and file system do not
    matter.
  - Names that are one file on a Mac or on Windows (such as C(README) and C(Readme)), names that Flux would not unpack,
    and C(.git) in any spelling are errors, unless O(ignore) leaves them out.
  - Warns of YAML that does not parse, except for templates of Helm charts and what a C(.sourceignore) leaves out, where
    PyYAML is installed with libyaml. At most 2 MiB are looked at.
  - With C(--diff) the files that come, go and change are named. What is there is downloaded for that.
  - Without a tag in O(reference) the artifact is pushed by digest. No poller sees it before M(proven.gitops.oci_tag)
    makes it visible, so that it can be signed and verified first. The role P(proven.gitops.publish#role) does so.
options:
  reference:
    description:
      - Where to push, as V(oci://host/repository) or V(oci://host/repository:tag).
      - Exactly one of O(reference) and O(artifacts) is required.
    type: str
  path:
    description:
      - The directory, or the file, to pack.
      - Required with O(reference).
    type: path
  source:
    description: The annotation C(org.opencontainers.image.source), usually the URL of the git repository.
    type: str
  revision:
    description:
      - The annotation C(org.opencontainers.image.revision), as Flux writes it, such as V(main@sha1:2f3a...).
      - Another revision is a change, and pushes a new artifact.
    type: str
  annotations:
    description:
      - More annotations of the artifact's manifest. Values must be strings and may hold C(=).
    type: dict
  ignore:
    description:
      - Lines as in C(.gitignore) that name what is left out. They replace the defaults of the Flux CLI, which leave out
        git's own files, pictures, videos and archives.
      - They are read as Flux reads them. The last line that matches decides, also for a file below a directory that is
        left out, and C([!a]) does not negate. A line that is no pattern is an error.
    type: list
    elements: str
  resolve_symlinks:
    description:
      - Pack what symbolic links point to. By default links are skipped, as Flux skips them.
      - A link that leads out of O(path) is an error. What O(ignore) leaves out, it leaves out under a link's name too.
    type: bool
  created:
    description:
      - The annotation C(org.opencontainers.image.created), as in RFC 3339.
      - By default it is left out, or taken from the environment variable E(SOURCE_DATE_EPOCH) when an artifact is new.
        A time from the environment never makes an artifact new by itself.
    type: str
  compare_with:
    description:
      - A tag of the same repository. If it has the same content already, its digest is returned and nothing is pushed.
      - Only for a reference without a tag; a reference with a tag is compared with that.
    type: str
  move:
    description:
      - Allow a tag that points to another content to be moved.
      - By default such a tag is an error.
    type: bool
  cache_dir:
    description:
      - Where to remember what the layers hold that were packed or read here. An artifact whose layer is remembered is
        known to be unchanged without compressing its tree.
      - By default C(proven-gitops) in E(XDG_CACHE_HOME), or in C(~/.cache). An empty string remembers nothing.
      - What is remembered there is believed, and what is unchanged gets signed. So the directory must be the user's own
        and writable to nobody else; otherwise it is not used, with a warning. Do not restore it from a cache that
        builds which you do not trust can write to.
      - Nothing is written there in check mode. It may be removed at any time.
      - Can be set with the environment variable E(PROVEN_CACHE_DIR).
    type: path
  artifacts:
    description:
      - Several artifacts in one task. Options beside it are defaults for each of them.
    type: list
    elements: dict
    suboptions:
      reference:
        description: As O(reference).
        type: str
        required: true
      path:
        description: As O(path).
        type: path
        required: true
      source:
        description: As O(source).
        type: str
      revision:
        description: As O(revision).
        type: str
      annotations:
        description: As O(annotations), merged over it.
        type: dict
      ignore:
        description: As O(ignore).
        type: list
        elements: str
      resolve_symlinks:
        description: As O(resolve_symlinks).
        type: bool
      created:
        description: As O(created).
        type: str
      compare_with:
        description: As O(compare_with).
        type: str
      move:
        description: As O(move).
        type: bool
requirements:
  - urllib3
  - zlib-ng
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._registry
seealso:
  - module: proven.gitops.cosign_sign
  - module: proven.gitops.oci_tag
  - name: Flux OCI artifacts
    description: What Flux does with such artifacts.
    link: https://fluxcd.io/flux/cheatsheets/oci-artifacts/
"""

EXAMPLES = r"""
---
- name: Push the manifests by digest, unless the tag has them already
  proven.gitops.oci_push:
    reference: oci://ghcr.io/example/manifests/cert-manager
    path: ./manifests
    source: https://github.com/example/fleet
    revision: "v1.9.1@sha1:{{ commit }}"
    compare_with: v1.9.1
    username: example
    password: "{{ lookup('ansible.builtin.env', 'GHCR_TOKEN') }}"
  register: pushed

- name: Push to a tag at once, with the credentials of Docker's configuration
  proven.gitops.oci_push:
    reference: oci://ghcr.io/example/manifests/cert-manager:v1.9.1
    path: ./manifests

- name: Push several artifacts in one task
  proven.gitops.oci_push:
    source: https://github.com/example/fleet
    revision: "main@sha1:{{ commit }}"
    artifacts:
      - reference: oci://registry.example.com/fleet/cert-manager
        path: ./apps/cert-manager
        compare_with: latest
      - reference: oci://registry.example.com/fleet/ingress
        path: ./apps/ingress
        compare_with: latest
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
      sample: ghcr.io/example/manifests/cert-manager@sha256:d9a3...
    url:
      description: The same with C(oci://).
      type: str
    tag:
      description: The tag of the reference, if it had one.
      type: str
    digest:
      description:
        - The digest of the manifest, which is what gets signed. In check mode it is the one that a run would push.
      type: str
    state:
      description:
        - V(pushed), V(unchanged), V(adopted) (the same content was there, pushed by another tool), or V(failed).
      type: str
    previous_digest:
      description: What the compared tag pointed to before.
      type: str
    annotations:
      description: The annotations of the manifest.
      type: dict
    layer_digest:
      description: The digest of the compressed layer.
      type: str
    layer_size:
      description: The size of the compressed layer in bytes.
      type: int
    content_digest:
      description: The digest of the archive before compression. It depends on nothing but names and contents.
      type: str
    content_size:
      description: The size of the archive before compression in bytes.
      type: int
    files:
      description: How many files were packed.
      type: int
    links_left_out:
      description:
        - The symbolic links that were left out, as Flux leaves them out, but for those that O(ignore) names. A warning
          lists them too.
      type: list
      elements: str
    failure:
      description: Why this artifact failed, as C(code), C(message) and C(details).
      type: dict
artifact:
  description: The only entry of RV(artifacts).
  returned: when there was one artifact
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

from ..module_utils._ansible.packing_options import ledger
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.push_options import PUSH, push_requests
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import run
from ..module_utils._tasks.artifact.push import Push


def main() -> None:
    module = PUSH.merge(REGISTRY).create_module()
    run(
        module,
        lambda: Push(
            push_requests(module.params),
            registries(module),
            progress(module),
            workdir=None if module.check_mode else module.tmpdir,
            ledger=ledger(module.params),
            concurrency=module.params["concurrency"],
            with_names=module._diff,
        ),
    )


if __name__ == "__main__":
    main()
