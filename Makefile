# Everything from a fresh clone: Python 3.11 or newer and make are enough. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install demo test test-vm trials fuzz soak soak-virtual check bench accuracy coverage schemas examples asyncapi-check requests commands lock clean

# The interpreter the environment is made with: PYTHON if given, else the first of these that is new enough.
PYTHON ?=
CANDIDATES := python3 python3.13 python3.12 python3.11
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# Processes that run the tests. Many tests wait for a broker or a sensor, so twice as many as there are cores.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 2 )))

BIN := .venv/bin
# Which set of packages .venv holds. The larger one holds the smaller one too.
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

install: $(RUNTIME) ## make .venv with the pinned packages and the command .venv/bin/ankled

demo: $(RUNTIME) ## a minute of simulated training through pipeline, recorder and broker, no hardware
	$(BIN)/ankled demo

test: $(DEV) ## run the tests; what could not be tested here is said at the end
	@ANKLED_CACHE_DIR="$${ANKLED_CACHE_DIR:-$(CURDIR)/.cache}" $(BIN)/ankled warm
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

test-vm: ## the service in a virtual machine: real BlueZ, systemd and mosquitto (root, packages of tests/vm/README.md; half an hour)
	python3 -m tests.vm $(if $(ONLY),--only "$(ONLY)")

trials: $(DEV) ## the trials at random in full: 50 rounds of trouble with the broker, 10,000 wrong requests, 1,000 lost links
	ANKLED_TRIALS=full $(BIN)/python -m pytest \
		tests/daemon/test_storm.py tests/daemon/test_requests_daemon.py tests/live/test_live_faults_soak.py

fuzz: $(DEV) ## drivers, captures and configurations against wrong input, FUZZ_S=60 seconds each; FUZZ_SEED= repeats
	ANKLED_CACHE_DIR="$${ANKLED_CACHE_DIR:-$(CURDIR)/.cache}" $(BIN)/python -m tests.fuzz

soak: $(DEV) ## SOAK_MIN=20 minutes with 16 sensors and faults, then two hours of virtual time: whether anything grows
	ANKLED_CACHE_DIR="$${ANKLED_CACHE_DIR:-$(CURDIR)/.cache}" $(BIN)/python -m tests.soak.real
	$(MAKE) soak-virtual

soak-virtual: $(DEV) ## the two hours of virtual time alone (SOAK_VIRTUAL_MIN=120)
	ANKLED_CACHE_DIR="$${ANKLED_CACHE_DIR:-$(CURDIR)/.cache}" $(BIN)/python -m tests.soak.virtual

check: $(DEV) ## lint, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(DEV) ## speed: a table of ratios measured in one run
	$(BIN)/python -m benchmarks.speed

accuracy: $(DEV) ## accuracy on real recordings; needs the folder named by ANKLED_DATA
	$(BIN)/python -m benchmarks.accuracy

coverage: $(DEV) ## run the tests under coverage and print what no test reaches
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

schemas: $(DEV) ## write docs/schemas, asyncapi.json, config.schema.json and configuration.md from the structs
	$(BIN)/python -m ankled.daemon.schemas docs

examples: $(DEV) ## write docs/examples/messages.json from a run with simulated sensors (three minutes; needs mosquitto)
	$(BIN)/python -m tests.examples.collect docs/examples/messages.json

asyncapi-check: ## have AsyncAPI's own parser read docs/asyncapi.json (needs node and npm)
	.ci/asyncapi-check

requests: $(DEV) ## write docs/requests.md from the forms of the requests
	$(BIN)/python -m ankled.daemon.requests.document docs/requests.md

commands: $(DEV) ## write docs/commands.md from the parsers of the commands
	$(BIN)/python -m ankled.daemon.cli.reference docs/commands.md

# uv alone resolves for every supported Python at once. No index address gets into the files: pip uses the user's own.
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --quiet

lock: $(DEV) ## resolve requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes newer versions
	$(BIN)/$(COMPILE) $(if $(UPGRADE),--upgrade) --extra radio --group build --output-file requirements/runtime.txt
	$(BIN)/$(COMPILE) --constraint requirements/runtime.txt $(if $(UPGRADE),--upgrade) --all-extras \
		--group build --group test --group check --group bench --group lock --output-file requirements/dev.txt

clean: ## remove .venv and everything that is made
	rm -rf .venv build dist src/*.egg-info .coverage .coverage.* .cache .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A changed requirement file or pyproject.toml installs again; a .venv whose interpreter is gone is made anew.
ifneq ($(shell test -x $(BIN)/python || echo gone),)
$(shell rm -f $(RUNTIME) $(DEV))
endif

define INSTALL
	@echo "Installing $(1) into .venv (a few minutes on the first run) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps $(2) -r $(1)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(BIN)/python
	$(call INSTALL,requirements/runtime.txt)

# Bytecode of what is used is made when it is used: here, unlike below a service, whoever runs may write it.
$(DEV): requirements/dev.txt pyproject.toml | $(BIN)/python
	$(call INSTALL,requirements/dev.txt,--no-compile)
	@touch $(RUNTIME)

$(BIN)/python:
	@python=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
		if "$$candidate" -c '$(ENOUGH)' 2>/dev/null; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "ankled needs Python 3.11 or newer; tried: $(or $(PYTHON),$(CANDIDATES))." \
			"Name one with: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make a virtual environment: its venv or ensurepip module is missing." \
			"On Debian or Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" --version) ..."; \
	"$$python" -m venv --clear .venv || { rm -rf .venv; exit 1; }
