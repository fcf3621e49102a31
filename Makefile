# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything is done in build/: the virtual environments, the caches, and the link that makes this checkout
# ansible_collections/proven/gitops. Nothing is written to HOME or beyond.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# The lab that builds the real peers, where there is one; else `make interop` takes them from PATH.
LAB ?= ../shared/lab/lab

# How long `make fuzz` goes on.
FUZZ_SECONDS ?= 600

# All tests that need this machine alone. Half of them wait for something, so more of them than processors at a time; the
# files with few and long tests come first, lest one of them is left alone at the end.
HERMETIC := -n 4 --dist loadfile --no-loadscope-reorder tests/faults tests/integration tests/unit

# Each target of tests writes its junit file; .ci/run, which runs some of them twice, gives them another STEP.
junit = --junitxml='build/junit/$(or $(STEP),$@).xml'

NAMESPACE := build/collections/ansible_collections/proven/gitops
# $(call in,test) before a command: in that virtual environment, made first where it is not there yet.
in = venv=$$(.ci/venv $(1)) && PATH="$$venv/bin:$$PATH" &&
# The programs of the lab, where there is one.
with_lab = if [ -x '$(LAB)' ]; then eval "$$('$(LAB)' env)"; fi;

export PYTHON ANSIBLE_CORE AUDIT
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/collections
export ANSIBLE_HOME := $(CURDIR)/build/ansible
export ANSIBLE_LOCAL_TEMP := $(CURDIR)/build/ansible/tmp
export ANSIBLE_REMOTE_TMP := $(CURDIR)/build/ansible/tmp
export PIP_CACHE_DIR ?= $(CURDIR)/build/cache/pip
export XDG_CACHE_HOME := $(CURDIR)/build/cache
export ANSIBLE_DISPLAY_SKIPPED_HOSTS := false
export ANSIBLE_CALLBACK_RESULT_FORMAT := yaml
export ANSIBLE_LOCALHOST_WARNING := false
export ANSIBLE_INVENTORY_UNPARSED_WARNING := false
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## this list
	@echo 'usage: make TARGET [VARIABLE=VALUE ...]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 28
	@printf '  %-26s%s\n' \
		MANIFESTS=directory 'quickstart: your own manifests' \
		REGISTRY=host/repository 'quickstart: your own registry, with the credentials of docker login' \
		TAG=1.0.1 'quickstart: the version that these manifests are' \
		KUSTOMIZE=./overlays/prod 'quickstart: the directory of them that Flux applies' \
		MOVE=yes 'quickstart: let a tag that is there point to what is published now' \
		CLUSTER=kind 'quickstart: on to a kind cluster where Flux verifies it (needs Docker, kind and flux)' \
		PROVE="-e @file" 'quickstart CLUSTER=kind: more arguments for the playbook prove' \
		FUZZ_SECONDS=3600 'fuzz: how long it goes on' \
		PYTHON=python3.13 'the interpreter (default: the newest usable one, 3.11 at least)' \
		ANSIBLE_CORE=2.19 'the release of ansible-core (default: 2.19 on Python 3.11, else the newest)' \
		KILLED=all 'cluster, faults: the steps at which a story is killed (default: every third, chosen by the commit)' \
		"ARGS='-k sign -x'" 'more arguments for pytest'

# The one place where the checkout becomes a collection that Ansible, pytest and mypy can import.
$(NAMESPACE):
	@mkdir -p $(@D) && ln -sfn ../../../.. $@

# What the user gives, as JSON and as plain text for Ansible, so that any character may be in it; a relative path is one from here.
# Called with the playbook's name, and with more of its variables.
define VARIABLES
import json, os, sys
play, *more = sys.argv[1:]
given = {"make": "true", "dir": os.path.abspath(os.path.join("build", play))}
if os.environ["MANIFESTS"]:
    given["manifests"] = os.path.abspath(os.path.expanduser(os.environ["MANIFESTS"]))
for name in ("REGISTRY", "TAG", "KUSTOMIZE", "MOVE"):
    if os.environ[name]:
        given[name.lower()] = os.environ[name]
given |= dict(one.split("=", 1) for one in more)
print(json.dumps({f"{play}_{name}": {"__ansible_unsafe": value} for name, value in given.items()}))
endef
export VARIABLES MANIFESTS REGISTRY TAG KUSTOMIZE MOVE
variables = "$$(python -c "$$VARIABLES" $(1))"

.PHONY: quickstart
quickstart: $(NAMESPACE) ## publish a sample application, signed and proven, on this machine
ifeq ($(CLUSTER),)
	@$(call in,run) ansible-playbook playbooks/quickstart.yml -e $(call variables,quickstart) && \
	cat build/quickstart/evidence.txt
else ifeq ($(CLUSTER),kind)
	@$(call in,cluster) ansible-playbook playbooks/prove.yml -e $(call variables,prove show=false) $(PROVE) && \
	cat build/prove/evidence.txt
else
	@echo 'CLUSTER=$(CLUSTER): kind is the only one that is made here' >&2; exit 2
endif

.PHONY: clean
clean: ## stop the registry of the quickstart, and remove everything that was made
	@if [ -d build/quickstart/registry ]; then $(call in,run) ansible-playbook playbooks/quickstart.yml \
		-e $(call variables,quickstart state=absent); fi
	@if [ -e build/prove/made.json ]; then $(call in,cluster) ansible-playbook playbooks/prove.yml \
		-e $(call variables,prove state=absent forget=true) $(PROVE); fi
	rm -rf build

.PHONY: venv
venv: $(NAMESPACE) ## make the virtual environment for the tests and print its path
	@.ci/venv test

# The tiers, each with its budget in CONTRIBUTING.md: one test, a push, a change that is taken (.ci/run), a night.
.PHONY: one
one: $(NAMESPACE) ## T=tests/unit/...::name  one test, or one file of them, in seconds
	@[ -n "$$T" ] || { echo 'usage: make one T=tests/unit/_artifact/test_digest.py::test_name' >&2; exit 2; }; \
	case $$T in tests/e2e*) kind=e2e ;; *) kind=test ;; esac; \
	case $$T in tests/interop* | tests/cluster* | tests/e2e*) $(with_lab) ;; esac; \
	$(call in,$$kind) python -m pytest --timeout 900 "$$T" $(ARGS)
export T KILLED

.PHONY: check
check: ## before a push: ruff, mypy, the rules, and make test
	@$(MAKE) --keep-going ruff mypy rules test && echo 'check: all passed'

.PHONY: nightly
nightly: ## all there is: both Pythons in full, each step of the killed story, an hour of new examples, the benchmark
	@LAB='$(LAB)' .ci/run nightly

.PHONY: test
test: $(NAMESPACE) ## unit and integration tests: loopback only, nothing but PyPI
	@$(call in,test) python -m pytest $(HERMETIC) $(junit) -m 'not slow' $(ARGS)

.PHONY: versions
versions: $(NAMESPACE) ## what of `make test` may differ between releases of Python and ansible-core
	@$(call in,test) python -m pytest $(HERMETIC) $(junit) -m 'versions and not slow and not one_version' $(ARGS)

.PHONY: faults
faults: $(NAMESPACE) ## every fault and attack of docs/security.md, without a network; writes build/faults.json and the table
	@run=.ci/offline; $$run true || run=; \
	$(call in,test) $$run python -m pytest $(HERMETIC) $(junit) --timeout 900 -m 'not sample and not nightly' \
		--fault-book=build/faults.json $(ARGS) && \
	python tests/faults_table.py build/faults.json docs/security.md

.PHONY: offline
offline: $(NAMESPACE) ## what `make test` runs, where there is no network but loopback
	@$(call in,test) .ci/offline python -m pytest $(HERMETIC) $(junit) -m 'not slow' $(ARGS)

.PHONY: fuzz
fuzz: $(NAMESPACE) ## the property tests with examples that are always new, FUZZ_SECONDS in all (default 600)
	@$(call in,test) HYPOTHESIS_PROFILE=fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) \
	python -m pytest -n 2 $(junit) -m hypothesis --timeout $$(( $(FUZZ_SECONDS) + 240 )) tests/faults tests/unit $(ARGS)

.PHONY: unit
unit: $(NAMESPACE) ## the unit tests only
	@$(call in,test) python -m pytest $(junit) tests/unit $(ARGS)

.PHONY: integration
integration: $(NAMESPACE) ## the integration tests only
	@$(call in,test) python -m pytest -n 2 --dist loadfile $(junit) tests/integration $(ARGS)

.PHONY: interop
interop: $(NAMESPACE) ## against the real cosign 3 and 2, flux, oras, crane, registries, key stores
	@$(with_lab) missing=; \
	case $${CI:-false} in 0|false) ;; *) .ci/softhsm || true ;; esac; \
	for tool in cosign cosign2 flux oras crane registry gitea kubectl etcd kube-apiserver local-kms softhsm2-util; do \
		command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	[ -z "$$missing" ] || echo "not on PATH, so what needs it is skipped:$$missing" >&2; \
	$(call in,test) python -m pytest -n 2 --dist loadfile $(junit) tests/interop $(ARGS)

.PHONY: bench
bench: $(NAMESPACE) ## measured beside flux and cosign; ARGS=--quick, ARGS="large --runs 5", ARGS=--write for the docs
	@$(with_lab) \
	$(call in,test) PYTHONPATH='$(CURDIR)/tests:$(ANSIBLE_COLLECTIONS_PATH)' python -m bench $(ARGS)

.PHONY: e2e
e2e: $(NAMESPACE) ## the whole story by Molecule: on the embedded registry, and on kind with Flux and Gitea
	@$(with_lab) \
	$(call in,e2e) python -m pytest $(junit) tests/e2e $(ARGS)

.PHONY: cluster
cluster: $(NAMESPACE) ## each role on real kind clusters, and the whole story with faults, and killed at its steps
	@$(with_lab) \
	$(call in,test) python -m pytest -n 2 --dist loadscope $(junit) tests/cluster $(ARGS)

.PHONY: lint
lint: ## all linters, each of them whatever the others find
	@$(MAKE) --keep-going ruff mypy rules shell ansible-lint licences docs audit sanity && echo 'lint: all passed' && \
	{ ! grep -q 'NOT DONE' build/audit.txt || cat build/audit.txt; }

.PHONY: ruff
ruff: $(NAMESPACE)
	@$(call in,lint) ruff check . && ruff format --check .

.PHONY: format
format: $(NAMESPACE) ## format the code, and mend what ruff can mend
	@$(call in,lint) ruff check --fix-only . && ruff format .

# By hand: mypy build/collections/ansible_collections/proven/gitops/plugins tests
# (pyproject.toml says the rest; the path through build/collections is what makes the collection importable).
.PHONY: mypy
mypy: $(NAMESPACE)
	@$(call in,lint) mypy $(NAMESPACE)/plugins tests

.PHONY: rules
rules: $(NAMESPACE) ## the rules of CONTRIBUTING.md, as far as a program can check them
	@$(call in,lint) python -m pytest -q $(junit) tests/unit/test_house_rules.py

.PHONY: shell
shell:
	@$(call in,lint) shellcheck .ci/venv .ci/tree .ci/sanity .ci/run .ci/offline .ci/peers .ci/softhsm

.PHONY: audit
audit: ## known vulnerabilities of what is installed for tests and linters; AUDIT=required fails where nobody could be asked
	@mkdir -p build; $(call in,lint) python .ci/audit.py build/audit.json >build/audit.txt; status=$$?; \
	cat build/audit.txt; exit $$status

.PHONY: ansible-lint
ansible-lint: $(NAMESPACE) ## profile production, nothing skipped
	@$(call in,lint) cd "$$(.ci/tree)" && ANSIBLE_COLLECTIONS_PATH='$(CURDIR)/build/tree' ansible-lint

.PHONY: sanity
sanity: ## ansible-test sanity, nothing ignored; ARGS='--test import'
	@$(call in,test) .ci/sanity $(ARGS)

# Its page of each plugin has the name of its temporary directory, and one in 37 of those ends in a _, by which RST means
# a reference that is not there.
define LINT_DOCS
import sys, tempfile
tempfile._RandomNameSequence.characters = "abcdefghijklmnopqrstuvwxyz0123456789"
from antsibull_docs.cli.antsibull_docs import main
sys.exit(main())
endef
export LINT_DOCS

.PHONY: docs
docs: $(NAMESPACE) ## check the documentation of all plugins and roles, and render it to build/docs
	@mkdir -p build/home && $(call in,lint) cd "$$(.ci/tree)" && \
	export ANSIBLE_COLLECTIONS_PATH='$(CURDIR)/build/tree' HOME='$(CURDIR)/build/home' && \
	python -c "$$LINT_DOCS" lint-collection-docs --plugin-docs --validate-collection-refs all . && \
	mkdir -p '$(CURDIR)/build/docs' && \
	antsibull-docs --config-file docs/docsite/antsibull-docs.cfg collection --use-current --squash-hierarchy \
		--fail-on-error --cleanup everything --dest-dir '$(CURDIR)/build/docs' proven.gitops

.PHONY: licences
licences:
	@$(call in,lint) cd "$$(.ci/tree)" && reuse lint --quiet || reuse lint

.PHONY: changelog
changelog: ## write CHANGELOG.md and CHANGELOG.rst from the fragments
	@$(call in,lint) cd "$$(.ci/tree)" && export ANSIBLE_COLLECTIONS_PATH='$(CURDIR)/build/tree' && \
	antsibull-changelog release --update-existing && cp CHANGELOG.* '$(CURDIR)' && \
	cp changelogs/changelog.yaml '$(CURDIR)/changelogs'

.PHONY: build
build: ## the collection's archive, in build/dist
	@$(call in,run) ansible-galaxy collection build --force --output-path build/dist .
