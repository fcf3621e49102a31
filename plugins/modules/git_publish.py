#!/usr/bin/python
# Copyright: (c) 2026, the proven.gitops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files to a git repository as one commit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: git_publish
short_description: Write or remove files in a git repository as one pushed commit
version_added: 1.0.0
author:
  - The proven.gitops authors (@proven-gitops)
description:
  - Fetches a branch, writes and removes files, and commits and pushes them as one commit. Only when something
    changed.
  - When somebody else pushes in between, the new state is fetched and the files are written again on top of it, up to
    O(attempts) times. Nothing is ever forced, so no commit of anybody gets lost.
  - After the task either the branch has the files, or the task failed. When a connection broke before the server's
    answer to a push, the branch is read again to find out.
  - The branch is fetched into a private temporary directory that is gone after the task. No work tree is made. Hooks,
    filters and submodules are not run, and symbolic links in the repository are not followed.
requirements:
  - git 2.31 or newer on the host that runs the module
  - ssh and ssh-keygen (OpenSSH) for SSH addresses
extends_documentation_fragment:
  - proven.gitops._attributes
  - proven.gitops._attributes.actiongroup_git
  - proven.gitops._attributes.progress
  - proven.gitops._git_access
attributes:
  check_mode:
    details:
      - The repository is read, so the connection is tried. Whether the server would take the push is not.
  diff_mode:
    details:
      - Shows the content of the files. Use C(diff=false) on the task where that is not wanted.
options:
  branch:
    description:
      - The branch to publish to. One that is missing is created, from the repository's default branch, or from
        nothing in an empty repository.
    type: str
    default: main
  files:
    description:
      - The files, in one commit.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - The path in the repository. Must be relative, without C(..), and not lead into C(.git) or through a
            symbolic link.
        type: str
        required: true
      state:
        description:
          - Whether the file is to be there with this content, or not to be there.
        type: str
        choices:
          - present
          - absent
        default: present
      content:
        description:
          - The content, as text. It is written as it is, so mind the line break at its end.
          - With O(files[].state=present), one of O(files[].content) and O(files[].src) is required.
        type: raw
      src:
        description:
          - A file with the content, on the host that runs the module.
        type: path
      executable:
        description:
          - Whether the file can be executed, the one permission that git knows.
          - Without it, an existing file stays as it is, and a new one is not executable.
        type: bool
      force:
        description:
          - Whether to write the file where there is one of that path already. With V(false) such a file stays as it is,
            whatever is in it.
        type: bool
        default: true
  commit_message:
    description:
      - The commit's message. Without it, one is made that names the files.
    type: str
  author_name:
    description:
      - The name of the commit's author. Without it, the one that git is set up with for the user who runs the task,
        or V(proven.gitops).
    type: str
  author_email:
    description:
      - The mail address of the commit's author. Without it, the one that git is set up with for the user who runs the
        task, or V(noreply@gitops.invalid).
    type: str
  sign:
    description:
      - Whether to sign the commit.
      - V(auto) signs when O(signing_key) is given, or when git is set up for it with C(commit.gpgSign).
      - A commit that is to be signed and cannot be fails the task before anything is pushed.
    type: str
    choices:
      - auto
      - always
      - never
    default: auto
  signing_key:
    description:
      - The key to sign with, as git's setting C(user.signingKey). An OpenPGP key's ID or fingerprint, or with
        O(signing_format=ssh) the path of an SSH private key, or of a public key whose private key is in C(ssh-agent).
      - Can be set with the environment variable E(PROVEN_GIT_SIGNING_KEY).
    type: str
  signing_format:
    description:
      - The kind of signature, as git's setting C(gpg.format), which decides without this option.
      - V(ssh) needs git 2.34.
    type: str
    choices:
      - openpgp
      - ssh
      - x509
  attempts:
    description:
      - How often to try to push, when others keep pushing in between.
    type: int
    default: 10
  depth:
    description:
      - How many commits of the branch to fetch. V(0) fetches them all, for servers that take no push from a shallow
        copy.
    type: int
    default: 1
seealso:
  - module: proven.gitops.flux_oci_source
"""

EXAMPLES = r"""
---
- name: Publish with an access token over HTTPS
  proven.gitops.git_publish:
    repository: https://git.example.com/fleet/clusters.git
    token: "{{ fleet_token }}"
    commit_message: Deliver cert-manager 1.9.1
    files:
      - path: clusters/my-cluster/cert-manager-sync.yaml
        content: "{{ lookup('ansible.builtin.template', 'sync.yaml.j2') }}"
      - path: clusters/my-cluster/old-sync.yaml
        state: absent

- name: Publish over SSH with a deploy key and a pinned host key
  proven.gitops.git_publish:
    repository: ssh://git@git.example.com/fleet/clusters.git
    privatekey_path: /etc/deploy/fleet_ed25519
    known_hosts: git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
    files:
      - path: clusters/my-cluster/app-sync.yaml
        src: build/app-sync.yaml

- name: Publish a signed commit to a branch of its own, as git is set up for this user
  proven.gitops.git_publish:
    repository: git@git.example.com:fleet/clusters.git
    branch: proposals/app-2
    sign: always
    files:
      - path: clusters/my-cluster/app-sync.yaml
        src: build/app-sync.yaml

- name: Sign with an SSH key, with credentials from the environment (PROVEN_GIT_REPOSITORY, PROVEN_GIT_TOKEN)
  proven.gitops.git_publish:
    signing_key: /etc/deploy/signing_ed25519
    signing_format: ssh
    author_name: Delivery
    author_email: delivery@example.com
    files:
      - path: scripts/hello.sh
        content: |
          #!/bin/sh
          echo hello
        executable: true

- name: Publish to a bare repository on this host
  proven.gitops.git_publish:
    repository: /srv/git/fleet.git
    files:
      - path: clusters/my-cluster/app-sync.yaml
        src: build/app-sync.yaml
  register: published
"""

RETURN = r"""
branch:
  description: The branch.
  type: str
  returned: success
  sample: main
commit:
  description:
    - The tip of the branch that has the files.
    - V(null) in check mode when there would be a new one, and in an empty repository when there is nothing to write.
  type: str
  returned: success
  sample: 2b8ea3a6f4a1e8c6c6a3b0d7c1a5fbbf2f0c9d11
revision:
  description: The same as Flux names it, C(<branch>@sha1:<commit>).
  type: str
  returned: success
  sample: main@sha1:2b8ea3a6f4a1e8c6c6a3b0d7c1a5fbbf2f0c9d11
files:
  description: What became of each path. One of V(written), V(removed) and V(unchanged).
  type: dict
  returned: success
  sample:
    clusters/my-cluster/app-sync.yaml: written
attempts:
  description: How many pushes it took. V(0) when there was nothing to push, and in check mode.
  type: int
  returned: success
  sample: 1
actions:
  description: What was done, in order.
  type: list
  elements: str
  returned: success
  sample:
    - write clusters/my-cluster/app-sync.yaml
    - push to main
failure:
  description:
    - Why the task failed, for a program.
    - The code is one of V(invalid_option), V(git_unavailable), V(authentication_failed), V(host_key_refused),
      V(certificate_refused), V(repository_not_found), V(unreachable), V(branch_moved), V(push_declined),
      V(push_unknown), V(signing_failed), V(path_conflict) and V(git_failed).
    - With V(push_unknown), and only then, it is not known whether the branch has the files. Run the task again.
  type: dict
  returned: failure
  sample:
    code: push_declined
    message: "https://git.example.com/fleet/clusters.git declines the push, and nothing was changed: protected branch"
    details:
      reason: protected branch
"""

import contextlib

from ..module_utils._ansible.progress import progress
from ..module_utils._ansible.publish_options import PUBLISH, publication
from ..module_utils._ansible.run import register_secret, run
from ..module_utils._git.workspace import private_directory
from ..module_utils._tasks.git.publish import GitPublish


def main() -> None:
    """Parse, publish, leave."""
    module = PUBLISH.create_module()
    with contextlib.ExitStack() as stack:

        def build() -> GitPublish:
            wanted = publication(module.params, register_secret(module))
            return GitPublish(wanted, stack.enter_context(private_directory(module.tmpdir)), progress(module))

        run(module, build)


if __name__ == "__main__":
    main()
