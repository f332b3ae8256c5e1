# make run    exercise the embedded reference backend on both sides and print the contract matrix
# make test   the test suite
# make check  style, types and layers
# Each sets up .venv first where pyproject.toml has changed since it was made.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Most of what is tested waits for sockets and time limits: four processes keep two cores busy.
WORKERS ?= 4
# Hundreds of short processes are started: what one has compiled, the others read.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check setup clean

run: setup
	$(BIN)/harness run

test: setup
	$(BIN)/python -m pytest -q cassettes
	$(BIN)/python -m pytest -n $(WORKERS) --maxschedchunk 4 tests

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": say make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf .venv build *.egg-info
