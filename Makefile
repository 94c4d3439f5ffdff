# Everything that a person types. Each target does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up test check format bench chaos soak setup packages clean

# uv builds the environment from uv.lock; where it is missing it is brought along in .uv/.
PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
STAMP := .venv/.installed
# What the indicators are measured against needs pandas, which must not be beside TA-Lib in the system's own.
PEERS := .venv-peers/.installed
# Most tests wait for servers rather than compute; a file's tests stay together in one process.
SIDE_BY_SIDE := -n $(or $(TEST_PROCESSES),2) --dist loadfile
# These hold calls against the clock while servers die, so nothing else may run beside them.
ALONE := tests/chaos tests/integration/webapp/test_broken_tiers.py

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

up: $(STAMP) ## Run the whole system (Ctrl-C stops it)
	@exec .venv/bin/python -m ops up

test: $(STAMP) packages ## Run the tests
	$(RUN) pytest $(SIDE_BY_SIDE) $(ALONE:%=--ignore=%)
	$(RUN) pytest $(ALONE)

check: $(STAMP) packages ## The gate: format, lint, types, imports, tests with coverage
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) pytest $(SIDE_BY_SIDE) --cov --cov-report=term --ignore=tests/end_to_end $(ALONE:%=--ignore=%)
	$(RUN) pytest $(SIDE_BY_SIDE) tests/end_to_end
	$(RUN) pytest $(ALONE)

format: $(STAMP) ## Format the code and mend what can be mended
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: $(STAMP) $(PEERS) ## Measure, side by side (takes minutes)
	$(RUN) python -m benchmarks

chaos: $(STAMP) packages ## Hold the cache against 20 seeds of broken servers (takes minutes)
	$(RUN) python -m tests.chaos

soak: $(STAMP) packages ## Look for growth in a cache at full rate (takes 10 minutes)
	$(RUN) python -m tests.chaos soak --minutes 10 --json benchmarks/results/soak.json

setup: $(STAMP) ## Install everything, start nothing

packages:
	@tests/support/packages.sh

clean: ## Remove the environment and what runs left behind
	rm -rf .venv .venv-peers .uv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(STAMP): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --group bench
	@touch $@

$(PEERS): pyproject.toml uv.lock | $(UV)
	UV_PROJECT_ENVIRONMENT=.venv-peers $(UV) sync --frozen --only-group peers
	@touch $@

.uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "PYTHON: got $$($(PYTHON) --version 2>&1); want Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -m venv .uv || \
	  { rm -rf .uv; echo "$(PYTHON) has no working venv module; install python3-venv, or uv itself"; exit 2; }
	.uv/bin/pip install --quiet --disable-pip-version-check uv
