#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push Helm charts to an OCI registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_chart_push
short_description: Push Helm charts to an OCI registry
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Packs a chart directory, or takes a packed chart as it is, and pushes it to a registry in Helm's layout. Helm 3 and
    4, and Flux, pull it from there. No helm binary is needed.
  - The packed bytes depend on names and contents only. Owners, times, modes, time zone and file system do not matter,
    so that the digest is the same wherever the chart is packed.
  - Nothing is pushed when the registry already has the same chart, also where C(helm push) pushed it. Helm writes
    C(Chart.yaml) and C(Chart.lock) anew and unpacks subcharts. A chart that differs in nothing else is the same chart.
  - A chart that Helm would not load is an error before anything is pushed.
  - Without a tag in O(reference) the chart is pushed by digest. Nobody sees it before M(proven.gitops.oci_tag) sets the
    tag RV(artifacts[].version_tag), so that it can be signed and verified first.
options:
  reference:
    description:
      - Where to push, as V(oci://host/charts/name) or V(oci://host/charts/name:version).
      - The repository must end in the chart's name, and a tag must be the chart's version, since Helm finds charts by
        these. A C(+) in the version is written as C(_) in the tag.
      - Exactly one of O(reference) and O(charts) is required.
    type: str
  path:
    description:
      - A chart directory, or a packed chart (C(.tgz)).
      - A directory is packed as C(helm package) selects its files, and each file is packed as it is. C(.helmignore) is
        read as Helm reads it, which is not how git reads C(.gitignore). The first line that matches decides, C(!x)
        leaves out everything that does not match C(x), and C(**) is an error.
      - Dependencies must be in C(charts/) already. Links are followed inside the chart. One that leads out of it is an
        error.
      - A packed chart is pushed byte for byte, after it was read as Helm would read it. Links, names that lead out of
        the chart, and data that hides between the files are errors.
    type: path
  url:
    description:
      - The URL of a packed chart. It is pushed byte for byte, as one in O(path). O(sha256) is required.
      - Exactly one of O(path), O(url) and O(repo_url) is required for each chart.
    type: str
  repo_url:
    description:
      - The URL of an HTTP chart repository, the directory of its C(index.yaml). O(name), O(version) and O(sha256) are
        required.
    type: str
  name:
    description: The name of the chart in the repository.
    type: str
  version:
    description: Its exact version, as the index writes it. A range is not resolved.
    type: str
  sha256:
    description:
      - The SHA-256 that the packed chart must have, as V(sha256:) and 64 hexadecimal digits, or these digits alone.
        It decides, whatever an index or a server says.
    type: str
  provenance:
    description:
      - Carry the provenance file along, which stands beside a packed chart under its name with C(.prov).
      - It must be about this chart and have the SHA-256 of these bytes. Who signed it is checked with O(keyring) alone.
    type: bool
  keyring:
    description:
      - A file of OpenPGP public keys, as C(gpg --export) writes it. One of them must have signed the provenance file.
      - The program C(gpgv) checks it.
    type: path
  repo_username:
    description:
      - The user name at O(repo_url) or O(url), together with O(repo_password).
      - It is sent to that scheme, host and port alone. A redirect, or an index that names another server, does not take
        it along.
      - Can be set with the environment variable E(PROVEN_CHART_REPO_USERNAME).
    type: str
  repo_password:
    description:
      - The password of O(repo_username).
      - Can be set with the environment variable E(PROVEN_CHART_REPO_PASSWORD).
    type: str
  annotations:
    description:
      - More annotations of the manifest, over those that follow from C(Chart.yaml) as Helm makes them. The title and
        the version cannot be changed.
    type: dict
  created:
    description:
      - The annotation C(org.opencontainers.image.created), as in RFC 3339.
      - By default it is left out, or taken from the environment variable E(SOURCE_DATE_EPOCH) when a chart is new. A
        time from the environment never makes a chart new by itself. One in the C(annotations) of C(Chart.yaml) counts.
    type: str
  move:
    description:
      - Allow a version that is there with another content to be replaced. By default that is an error.
    type: bool
  cache_dir:
    description:
      - Where to remember what the layers hold that were packed or read here, as in M(proven.gitops.oci_push).
      - By default C(proven-gitops) in E(XDG_CACHE_HOME), or in C(~/.cache). An empty string remembers nothing.
      - Can be set with the environment variable E(PROVEN_CACHE_DIR).
    type: path
  charts:
    description:
      - Several charts in one task. O(annotations), O(created), O(move), O(provenance) and O(keyring) beside it are
        defaults for each of them.
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
      url:
        description: As O(url).
        type: str
      repo_url:
        description: As O(repo_url).
        type: str
      name:
        description: As O(name).
        type: str
      version:
        description: As O(version).
        type: str
      sha256:
        description: As O(sha256).
        type: str
      provenance:
        description: As O(provenance).
        type: bool
      keyring:
        description: As O(keyring).
        type: path
      annotations:
        description: As O(annotations), merged over it.
        type: dict
      created:
        description: As O(created).
        type: str
      move:
        description: As O(move).
        type: bool
requirements:
  - PyYAML
  - urllib3
  - zlib-ng
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_registry
  - proven.gitops._attributes.progress
  - proven.gitops._registry
seealso:
  - module: proven.gitops.cosign_sign
  - module: proven.gitops.oci_push
  - module: proven.gitops.oci_tag
  - name: Helm and OCI registries
    description: How Helm stores charts in registries.
    link: https://helm.sh/docs/topics/registries/
"""

EXAMPLES = r"""
---
- name: Push a chart by digest, sign it, then make its version visible
  block:
    - name: Pack and push
      proven.gitops.helm_chart_push:
        reference: oci://ghcr.io/example/charts/hello
        path: ./charts/hello
      register: pushed

    - name: Sign
      proven.gitops.cosign_sign:
        reference: "{{ pushed.artifact.reference }}"
        privatekey_path: cosign.key

    - name: Set the version as a tag
      proven.gitops.oci_tag:
        reference: "{{ pushed.artifact.reference }}"
        tags: ["{{ pushed.artifact.version_tag }}"]

- name: Push a packed chart under its version at once
  proven.gitops.helm_chart_push:
    reference: oci://ghcr.io/example/charts/hello:1.2.3
    path: ./hello-1.2.3.tgz
    sha256: "{{ hello_sha256 }}"

- name: Bring charts of an HTTP repository into our registry
  proven.gitops.helm_chart_push:
    charts:
      - reference: oci://registry.example.com/charts/cert-manager
        repo_url: https://charts.jetstack.io
        name: cert-manager
        version: v1.19.0
        sha256: "{{ cert_manager_sha256 }}"
"""

RETURN = r"""
artifacts:
  description: One entry for each chart, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    reference:
      description: The chart by digest, without C(oci://).
      type: str
      sample: ghcr.io/example/charts/hello@sha256:d9a3...
    url:
      description: The same with C(oci://).
      type: str
    name:
      description: The name in C(Chart.yaml).
      type: str
    version:
      description: The version in C(Chart.yaml).
      type: str
    version_tag:
      description: The version as a tag, for M(proven.gitops.oci_tag).
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
      description: What the version's tag pointed to before.
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
    failure:
      description: Why this chart failed, as C(code), C(message) and C(details).
      type: dict
artifact:
  description: The only entry of RV(artifacts).
  returned: when there was one chart
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

from ..module_utils._ansible.chart_options import CHARTS, chart_requests
from ..module_utils._ansible.packing_options import ledger
from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.registry_options import REGISTRY, registries
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._tasks.artifact.push import Push


def main() -> None:
    module = CHARTS.merge(REGISTRY).create_module()
    run(
        module,
        lambda: Push(
            chart_requests(module.params, register_secret(module)),
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
