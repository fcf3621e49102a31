# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything is done in build/: the virtual environments, the caches, and the link that makes this checkout
# ansible_collections/proven/gitops. Nothing is written to HOME or beyond.
#
#   PYTHON=python3.13     the interpreter (default: the newest usable one)
#   ANSIBLE_CORE=2.19     the release of ansible-core (default: 2.19 on Python 3.11, else the newest)
#   ARGS='-k sign'        more arguments for pytest

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

NAMESPACE := build/collections/ansible_collections/proven/gitops
IN := cd '$(CURDIR)' &&
# $(call venv,test) in front of a command: it then finds the programs of that environment first.
venv = venv=$$(.ci/venv $(1)) && PATH="$$venv/bin:$$PATH" &&

export PYTHON ANSIBLE_CORE
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/collections
export ANSIBLE_HOME := $(CURDIR)/build/ansible
export ANSIBLE_LOCAL_TEMP := $(CURDIR)/build/ansible/tmp
export ANSIBLE_REMOTE_TMP := $(CURDIR)/build/ansible/tmp
export PIP_CACHE_DIR ?= $(CURDIR)/build/cache/pip
export XDG_CACHE_HOME := $(CURDIR)/build/cache
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## this list
	@echo 'usage: make TARGET [PYTHON=python3.13] [ANSIBLE_CORE=2.19]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

# The one place where the checkout becomes a collection that Ansible, pytest and mypy can import.
$(NAMESPACE):
	@mkdir -p $(@D) && ln -sfn ../../../.. $@

.PHONY: venv
venv: $(NAMESPACE) ## the virtual environment for tests
	@.ci/venv test

.PHONY: test
test: $(NAMESPACE) ## unit and integration tests, hermetic, on loopback only
	@$(call venv,test) python -m pytest -n 2 --dist loadfile tests/unit tests/integration $(ARGS)

.PHONY: unit
unit: $(NAMESPACE) ## unit tests only, in seconds
	@$(call venv,test) python -m pytest tests/unit $(ARGS)

.PHONY: lint
lint: ruff mypy ## every linter

.PHONY: ruff
ruff: $(NAMESPACE)
	@$(call venv,lint) ruff check . && ruff format --check .

.PHONY: mypy
mypy: $(NAMESPACE)
	@$(call venv,lint) mypy $(NAMESPACE)/plugins tests
