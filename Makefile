# bnncost: what it costs to repair a binary neural network. Needs Linux, make and Python 3.10 or newer.

PYTHON ?= python3
OUT    ?= out
JOBS   ?= 2
MINUTES ?= 5
SEED   ?= 0
VENV   := .venv
BIN    := $(VENV)/bin
DECLARED := setup.cfg pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
LIGHT := .venv-without-torch
NEED_NO_TORCH := tests/test_without_torch.py tests/test_architecture.py tests/analysis \
    tests/costmodel/test_networks.py tests/costmodel/test_folding.py tests/costmodel/test_evaluate.py

.PHONY: help explore test test-cluster fuzz train-demo bench bench-mapping bench-ranks bench-train kills format clean

help:  ## say what can be made
	@echo "Usage: make TARGET [PYTHON=python3.12] [OUT=folder] [JOBS=2]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

explore: $(VENV)/.installed-explore  ## one page of accuracies, costs and prices to move: ./out/index.html
	$(BIN)/bnncost explore --out $(OUT)

test: $(VENV)/.installed-test $(LIGHT)/.installed  ## lint, formatting, types, tests, and the same without torch
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	export OMP_NUM_THREADS=1 BNNCOST_CACHE=$$(mktemp -d); trap 'rm -rf "$$BNNCOST_CACHE"' EXIT; \
	$(BIN)/pytest -n $(JOBS) --dist worksteal && \
	$(LIGHT)/bin/pytest -q -p no:cacheprovider -n $(JOBS) --dist worksteal $(NEED_NO_TORCH)
	$(MAKE) fuzz MINUTES=0.5

test-cluster: $(VENV)/.installed-cluster  ## the tests of Ray, which `test` leaves out: a local cluster, workers killed
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/costmodel/test_cluster.py tests/analysis/test_cluster_commands.py \
	    tests/training/test_review_cluster.py

fuzz: $(VENV)/.installed-test  ## feed every reader with bent files for some MINUTES, from a SEED; what fails is written down
	PYTHONPATH=.:tests/costmodel:tests/training OMP_NUM_THREADS=1 BNNCOST_CACHE=$$(mktemp -d) \
	    $(BIN)/python -m tools.fuzz --minutes $(MINUTES) --seed $(SEED)

train-demo: $(VENV)/.installed-train  ## train the plain BNN and a repaired one on digits, export both, price both
	$(BIN)/bnncost train "resnet20/digits" --out $(OUT)/demo/runs
	$(BIN)/bnncost train "resnet20[double_residual+norm_before_sign]/digits" --out $(OUT)/demo/runs
	$(BIN)/bnncost export $(OUT)/demo/runs/resnet20-*/ --no-onnx
	$(BIN)/bnncost pareto --accuracy $(OUT)/demo/runs --out $(OUT)/demo

bench: $(VENV)/.installed-bench  ## compare counts and speed with those of other tools
	$(BIN)/python -m benchmarks

bench-mapping: $(VENV)/.installed-explore  ## compare mappings with ZigZag's, on its accelerators; --again: BENCH="--again"
	$(BIN)/python -m benchmarks.mapping --out $(OUT)/bench_mapping.json $(BENCH)

bench-ranks: $(VENV)/.installed-explore  ## print how far ASICs agree which repair is cheap
	$(BIN)/python -m benchmarks.ranks

bench-train: $(VENV)/.installed-train  ## compare the speed of training with the usual loop; IR_NET=folder adds IR-Net's
	$(BIN)/python -m benchmarks.train --out $(OUT)/bench_train.json

vendor:  ## fetch the library that the page draws with anew, by npm, as analysis/assets/echarts.txt names it
	@set -e; cd $$(mktemp -d); version=$$(sed -n 's/^version: //p' "$(CURDIR)/analysis/assets/echarts.txt"); \
	npm pack --silent echarts@$$version >/dev/null; tar xzf echarts-$$version.tgz; \
	cp package/dist/echarts.min.js "$(CURDIR)/analysis/assets/echarts.min.js"; \
	cp package/LICENSE "$(CURDIR)/analysis/assets/echarts.LICENSE"; cp package/NOTICE "$(CURDIR)/analysis/assets/echarts.NOTICE"

kills: $(VENV)/.installed-test  ## kill commands anywhere and start them again, N times (50): results are the same
	$(BIN)/python -m benchmarks.kills $(N)

format: $(VENV)/.installed-test  ## format the sources and sort their imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the environment, caches and build outputs; ./out and ./runs stay
	rm -rf $(VENV) $(LIGHT) .venv-zigzag build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the environment

# The installation is editable: changed sources count at once, and only a change of what is declared reinstalls.
$(VENV)/.installed-explore: EXTRA :=
$(VENV)/.installed-test:    EXTRA := [test,train,export]
$(VENV)/.installed-cluster: EXTRA := [test,train,export,cluster]
$(VENV)/.installed-train:   EXTRA := [train]
$(VENV)/.installed-bench:   EXTRA := [bench]

$(VENV)/.installed-%: $(DECLARED) | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=23.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.$(EXTRA)'
	@touch $@

# A second environment, in which the cost model, folding and analysis have to do without torch.
$(LIGHT)/.installed: $(DECLARED) | $(BIN)/pip
	$(BIN)/python -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . pytest pytest-xdist hypothesis ruamel.yaml
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "bnncost needs Python 3.10 or newer, and '$(PYTHON)' was not found; install it, or name one: make PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "bnncost needs Python 3.10 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name a newer one: make PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module; install it (on Debian and Ubuntu: apt install python3-venv), then run make again." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
