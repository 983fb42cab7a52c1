# The only door: `make` alone lists what can be done. Needs Python 3.11 or newer, make and git, nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
DONE := $(VENV)/done
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# Node.js and npm come from a wheel in the same environment.
export PATH := $(BIN):$(PATH)
# Some machines forbid Python to keep what it compiled; a start would then compile the whole house anew each time.
unexport PYTHONDONTWRITEBYTECODE

WEB_SOURCES := $(shell find web/src web/static web/scripts -type f 2>/dev/null) $(wildcard web/*.ts web/*.json)
PYTHON_SOURCES := src tests bench requirements

##@ Run

.PHONY: run
run: $(DONE)/run $(DONE)/web ## Start the studio with its sandbox on 127.0.0.1:8080 (VERMILION_PORT, VERMILION_DATA)
	@exec $(BIN)/vermilion serve --sandbox --upgrade

.PHONY: web
web: $(DONE)/web ## Build the web app

##@ Prove

.PHONY: test
test: $(DONE)/dev $(DONE)/web ## Run every test: checks, web, SQLite, PostgreSQL, browser
	@$(BIN)/python -m tests

.PHONY: check
check: $(DONE)/dev ## Lint, format, types and imports, without running anything
	@$(BIN)/ruff check $(PYTHON_SOURCES)
	@$(BIN)/ruff format --check $(PYTHON_SOURCES)
	@$(MAKE) types
	@$(BIN)/lint-imports --no-logo

.PHONY: types
types: $(DONE)/dev $(DONE)/npm ## Check the types of Python and of the web app
	@$(BIN)/mypy
	@cd web && npm run --silent check

.PHONY: fix
fix: $(DONE)/dev ## Mend what can be mended by machine
	@$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	@$(BIN)/ruff format $(PYTHON_SOURCES)

.PHONY: unit
unit: $(DONE)/dev $(DONE)/web ## Run the tests that need no browser, on SQLite
	@$(BIN)/python -m pytest -n 2 --ignore=tests/e2e

.PHONY: postgresql
postgresql: $(DONE)/dev $(DONE)/web ## Run the tests that touch a database, on PostgreSQL
	@$(BIN)/python -m tests postgresql

.PHONY: e2e
e2e: $(DONE)/dev $(DONE)/web ## Run the tests in a real Chromium
	@$(BIN)/python -m pytest tests/e2e

.PHONY: kill
kill: $(DONE)/dev $(DONE)/web ## Kill the server again and again, at length, and count what was lost
	@$(BIN)/python -m tests.kill

.PHONY: bench
bench: $(DONE)/dev $(DONE)/web ## Measure, beside floors and peers in the same run; writes build/bench.json
	@$(BIN)/python -m bench

.PHONY: shots
shots: $(DONE)/dev $(DONE)/web ## Take pictures of every route into build/shots
	@$(BIN)/python -m tests.e2e.shots

##@ Make

.PHONY: openapi
openapi: $(DONE)/dev ## Write the API's description
	@$(BIN)/python -m vermilion.app.openapi web/openapi.json

.PHONY: client
client: openapi $(DONE)/npm ## Write the web app's client from the API's description
	@cd web && npm run --silent client

.PHONY: providers
providers: $(DONE)/dev ## Write docs/providers.md from the adapters and the catalog
	@$(BIN)/python -m vermilion.catalog.provider_page docs/providers.md

.PHONY: described
described: $(DONE)/dev ## Write docs/described-routes.md from the table of the described routes
	@$(BIN)/python -m vermilion.dialects.page docs/described-routes.md

.PHONY: migration
migration: $(DONE)/dev ## Draft a migration from what the tables now say: make migration WHAT="add tags"
	@$(BIN)/python -m vermilion.db.migrations $(WHAT)

.PHONY: lock
lock: $(DONE)/dev ## Resolve the dependencies anew, as of a week ago, with hashes
	@$(BIN)/python requirements/lock.py

.PHONY: wheel
wheel: $(DONE)/run $(DONE)/web ## Build the package, with the web app in it, into dist
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: clean
clean: ## Remove what was built and installed; the data folder stays
	@rm -rf $(VENV) build dist web/node_modules web/.svelte-kit src/vermilion/web_build
	@find src tests bench -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help
help: ## List what can be done
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9]+:.*## / { printf "  %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What was done, as files: each is made again only when what it came from has changed.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Making the environment in .venv"
	@$(PYTHON) -m venv $(VENV)

$(DONE)/run: requirements/run.lock requirements/build.lock pyproject.toml requirements/run.in requirements/hatch_hook.py | $(BIN)/python
	@echo "Installing what it needs (locked by hash)"
	@$(PIP) install --require-hashes -r requirements/run.lock -r requirements/build.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@mkdir -p $(DONE) && touch $@

$(DONE)/dev: requirements/dev.lock $(DONE)/run
	@echo "Installing what tests and checks need (locked by hash)"
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

$(DONE)/npm: web/package-lock.json web/package.json $(DONE)/run
	@echo "Installing what the web app needs (locked by hash)"
	@cd web && npm ci --loglevel=error --no-fund --no-audit > /dev/null
	@touch $@

$(DONE)/web: $(WEB_SOURCES) $(DONE)/npm
	@echo "Building the web app"
	@cd web && npm run --silent build > $(VENV)/web-build.log 2>&1 || { cat $(VENV)/web-build.log >&2; exit 1; }
	@touch $@
