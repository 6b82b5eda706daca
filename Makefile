# make run: set up and open the site.  make test: set up and run the tests.
# PYTHON and VENV name the Python and the folder to use; UP holds options for `manage.py up`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WIKI_ML ?= 1
export WIKI_ML
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test check lint format drill install install-dev

help:  ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /'

run: install  ## set up what is missing, then serve the site until Ctrl-C
	@exec $(BIN)/python manage.py up $(UP)

install:
	@$(PYTHON) .ci/environment.py $(VENV) $(if $(filter 0,$(WIKI_ML)),requirements-wiki.txt,requirements.txt)

install-dev:
	@$(PYTHON) .ci/environment.py $(VENV) requirements-dev.txt

lint: install-dev  ## formatting, types, layers, migrations
	@sh .ci/lint $(BIN)

format: install-dev  ## order imports, format Python
	@$(BIN)/ruff check --select I --fix --quiet .
	@$(BIN)/ruff format --quiet .

test: lint  ## set up what is missing, then lint and run the tests that need nothing else
	@$(BIN)/python -m pytest

drill: install-dev  ## kill processes on purpose, count what is lost
	@$(BIN)/python -m pytest -m drill -n 0 tests/drills

check: install-dev  ## everything CI runs; installs Chromium, Java and suites from npm
	@sh .ci/check $(BIN)
