# Everything one does with a checkout. Needs Python 3.11 or newer and git; the rest is installed into $(VENV), once.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format types imports bench chaos image-commands pins clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## serve a local workspace to try convotest in, without any key or account
	$(BIN)/convotest demo

test: $(VENV)/.installed-dev ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: lint types imports test ## everything that must be green before a change goes in

lint: $(VENV)/.installed-dev ## style and likely mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## check the types
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: $(VENV)/.installed-dev ## check who may import whom
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev ## measure speed and memory
	for each in $(basename $(notdir $(wildcard tests/benchmarks/bench_*.py))); do \
		echo "== $$each"; $(BIN)/python -m tests.benchmarks.$$each || exit 1; done

chaos: $(VENV)/.installed-dev ## kill a long run again and again, and look whether anything was lost or doubled
	$(BIN)/python -m tests.benchmarks.chaos

image-commands: ## run the commands of the Dockerfile without a container engine
	$(PYTHON) .ci/run_image_commands.py Dockerfile

pins: ## write constraints.txt anew: the newest versions that fit pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)-pins
	$(VENV)-pins/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	echo "# The versions that convotest is tested with; made by 'make pins'." > constraints.txt
	$(VENV)-pins/bin/python -m pip freeze --exclude-editable >> constraints.txt
	rm -rf $(VENV)-pins

clean: ## remove what was made, the virtual environment too
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	if [ -f $(VENV)/pyvenv.cfg ]; then rm -rf $(VENV); fi

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) .
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("convotest needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
