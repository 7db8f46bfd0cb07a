# Each target sets up .venv by itself when it has to; `make` alone prints the list.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PEERS := .venv-peers/.ready
# The one peer that is not Python; it goes when .venv-peers is made anew.
AUTOCANNON := autocannon@9.0.0
NODE := .venv-peers/node/.ready
# Another Python for the exhibits; without one, that of .pythons/sid.
PYTHON_314 ?=
PYTHON_315 ?=
OTHER = $(PYTHON_$(subst .,,$*))
THERE = env PYTHONPATH='$(CURDIR):$(CURDIR)/.pythons/site-$*' PYTHONDONTWRITEBYTECODE=1 $(or $(OTHER),sh bench/pythons_setup.sh run python$*)
# Three processes for two cores, as a test waits for a third of its time; a file's tests stay
# together, because they share a server.
PYTEST := $(BIN)/python -m pytest -q -n $(shell expr 3 \* $$(getconf _NPROCESSORS_ONLN) / 2) --dist loadfile
PRINTED = $(shell grep -l '^<!-- \[\[\[cog' README.md docs/*.md docs/*/*.md 2>/dev/null)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Interpreters are started by the hundred: each module is to be compiled once.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check static fix docs bench peers serve constraints clean

help:  ## print this list
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: $(READY)  ## crawl a local site and compare the five modes, in under a minute
	@$(BIN)/python -m bench demo

test: check  ## the same as check

check: static  ## format, lint, types, contracts, printed docs, tests: what CI runs
	@echo '== tests'
	@$(PYTEST)

test-all: static  ## check, with the slow tests too
	@echo '== tests, slow ones too'
	@$(PYTEST) -m '' -o faulthandler_timeout=900

static: $(READY)
	@echo '== format'
	@$(BIN)/ruff format --quiet --check
	@echo '== lint'
	@$(BIN)/ruff check --quiet
	@echo '== types'
	@$(BIN)/mypy --no-error-summary
	@echo '== contracts'
	@$(BIN)/lint-imports --no-logo
	@echo '== printed docs'
	@$(BIN)/cog --check --diff --verbosity=1 --check-fail-msg='run `make docs`' -P -I . $(PRINTED)

fix: $(READY)  ## repair format and lint as far as a tool can
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format

docs: $(READY)  ## draw the figures and print the map, the command line and the results into the docs again
	@$(BIN)/python -m docs.figures
	@$(BIN)/python -m docs.drawings
	@$(BIN)/python -m bench figure
	@test ! -e bench/results/grid.json || $(BIN)/python -m bench flowchart
	@$(BIN)/cog -r -P -I . $(PRINTED)

bench: $(READY)  ## measure everything (takes a while)
	@$(BIN)/python -m bench

peers: $(PEERS) $(NODE)  ## set up other people's tools in .venv-peers, for `python -m bench fetch`, `peers` and `load`

exhibits-%: | $(READY)  ## measure other Pythons: make exhibits-3.14 or exhibits-3.15; as long as all exhibits
	@mkdir -p .pythons
	@test -n '$(OTHER)' || test -e .pythons/sid/usr/bin/python$* || sh bench/pythons_setup.sh
	@$(THERE) -m bench.subinterpreters > .pythons/subinterpreters-$*.part
	@mv .pythons/subinterpreters-$*.part bench/results/subinterpreters-$*.json
	@echo 'Kept in subinterpreters-$*.json.'
	@$(BIN)/python -m bench exhibits --interpreter "$(THERE)"

# Our packages have wheels for 3.14; 3.15 has the standard library alone.
exhibits-3.14: .pythons/site-3.14

serve: $(READY)  ## start the test server on port 8000
	@$(BIN)/crawl serve --port 8000

constraints:  ## pin every package anew, from what pyproject.toml asks for
	@echo '== resolving in a fresh venv'
	@fresh=$$(mktemp -d) && $(PYTHON) -m venv "$$fresh" && "$$fresh/bin/pip" install -q '.[dev]' \
		&& "$$fresh/bin/pip" freeze --exclude crawl > "$$fresh/pins" && cp "$$fresh/pins" constraints.txt; \
		status=$$?; rm -rf "$$fresh"; exit $$status

clean:  ## remove what the tools and the demo wrote (.venv and .venv-peers stay)
	@rm -rf build dist .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache URLs.txt out.jsonl pages.jsonl
	@find crawler fixtures bench docs tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@echo '== setting up .venv (only when pyproject.toml or constraints.txt changed)'
	@command -v $(PYTHON) > /dev/null || { echo 'no $(PYTHON) on this machine: install Python 3.11 or newer, or say make PYTHON=...'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "crawl needs Python 3.11 or newer, but $(PYTHON) is %s: try make PYTHON=python3.12" % sys.version.split()[0])'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

$(PEERS): bench/peers.txt | $(READY)
	@echo '== setting up .venv-peers (only when bench/peers.txt changed)'
	@rm -rf .venv-peers
	@$(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -q -r bench/peers.txt
	@touch $@

$(NODE): $(PEERS)
	@if command -v npm > /dev/null; then \
		npm install --prefix .venv-peers/node --no-save --no-fund --no-audit --loglevel=error $(AUTOCANNON) && touch $@; \
	else echo 'no npm on this machine, so no autocannon: bench/load_setup.sh installs it'; fi

.pythons/site-3.14: pyproject.toml constraints.txt | $(READY)
	@echo '== setting up packages for 3.14 (only when pyproject.toml or constraints.txt changed)'
	@rm -rf $@
	@$(BIN)/python -m pip install -q --target $@ --python-version 3.14 --only-binary=:all: -c constraints.txt .
	@touch $@
