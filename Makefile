# hmara: every verb of the project. Paths are relative, so a folder with a space in its name is fine.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV   := .venv
PYTHON := $(VENV)/bin/python
HMARA  := $(VENV)/bin/hmara
TAG    := streams/tag
# Seconds after which `make demo` ends by itself; empty: on Ctrl-C.
DURATION ?=

.PHONY: help setup demo test check lint types format bench up down lock wheel clean

help: ## Show this list.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(VENV)/.installed $(TAG)/dist/tag.js ## Fetch everything and build the tag.
	@$(HMARA) fetch

demo: setup ## Start all of hmara with a demo site and synthetic visitors; DURATION=30 ends it.
	@exec $(HMARA) demo $(if $(DURATION),--duration $(DURATION))

test: setup lint types ## Run every check: lint, types, tag, unit, integration and browser tests.
	@cd $(TAG) && npm run --silent check
	@$(PYTHON) -m pytest

check: $(VENV)/.installed lint types ## Run what needs no services: lint, types, unit tests.
	@$(PYTHON) -m pytest -m "not integration and not browser"

lint: $(VENV)/.installed
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/ruff check --quiet
	@out=$$($(VENV)/bin/sqlfluff lint --disable-progress-bar sinks/clickhouse streams/demo) || { echo "$$out"; exit 1; }
	@out=$$($(VENV)/bin/lint-imports) || { echo "$$out"; exit 1; }

types: $(VENV)/.installed
	@$(VENV)/bin/mypy --no-error-summary

format: $(VENV)/.installed ## Format Python and the tag.
	@$(VENV)/bin/ruff format
	@cd $(TAG) && npm run --silent format

bench: setup ## Run the benchmarks (about 15 minutes) and rewrite docs/benchmarks.
	@$(PYTHON) -m tests.bench

up: setup ## Start the embedded Kafka and ClickHouse in the background.
	@$(HMARA) up

down: $(VENV)/.installed ## Stop them.
	@$(HMARA) down

wheel: $(TAG)/dist/tag.js $(VENV)/.installed ## Build the wheel into dist/.
	@$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .

lock: ## Pin every Python package again (needs uv).
	uv pip compile --quiet --extra dev --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  pyproject.toml --output-file requirements.lock

clean: ## Remove what was built and fetched, and all local data.
	rm -rf $(VENV) .hmara dist $(TAG)/dist $(TAG)/node_modules

$(VENV)/.installed: pyproject.toml requirements.lock
	@bash deploy/prerequisites.sh
	@echo "installing Python packages into $(VENV)"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(PYTHON) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(TAG)/dist/tag.js: $(TAG)/package-lock.json $(wildcard $(TAG)/src/*.ts) $(wildcard $(TAG)/*.mjs)
	@bash deploy/prerequisites.sh
	@echo "building the tag"
	@cd $(TAG) && npm ci --silent --no-fund --no-audit && npm run --silent build
