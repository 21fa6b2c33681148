# bnncost: what it costs to repair a binary neural network. Needs Linux, make and Python 3.10 or newer.

PYTHON ?= python3
OUT    ?= out
VENV   := .venv
BIN    := $(VENV)/bin
DECLARED := setup.cfg pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help explore test bench format clean

help:  ## say what can be made
	@echo "Usage: make TARGET [PYTHON=python3.12] [OUT=folder]"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12

explore: $(VENV)/.installed-explore  ## tables, figures and the report, without training, into ./out
	$(BIN)/bnncost explore --out $(OUT)

test: $(VENV)/.installed-test  ## lint, formatting, types, tests and the examples in docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

bench: $(VENV)/.installed-bench  ## compare counts and speed with those of other tools
	$(BIN)/python -m benchmarks

format: $(VENV)/.installed-test  ## format the sources and sort their imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the environment, caches and build outputs; ./out and ./runs stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the environment

# The installation is editable: changed sources count at once, and only a change of what is declared reinstalls.
$(VENV)/.installed-explore: EXTRA :=
$(VENV)/.installed-test:    EXTRA := [test]
$(VENV)/.installed-bench:   EXTRA := [bench]

$(VENV)/.installed-%: $(DECLARED) | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=23.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.$(EXTRA)'
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "bnncost needs Python 3.10 or newer, and '$(PYTHON)' was not found; install it, or name one: make PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "bnncost needs Python 3.10 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name a newer one: make PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module; install it (on Debian and Ubuntu: apt install python3-venv), then run make again." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
