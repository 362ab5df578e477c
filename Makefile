# Everything a person or CI does here. `make run` and `make test` set themselves up.
PYTHON ?= python3.11
PORT ?= 8765
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WEB := src/dav_gateway/web

.PHONY: help setup run lint format texts test test-quick screens fleet stress model stress-mutations benchmark constraints clean
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | column -t -s '	'

setup: $(READY)  ## the virtual environment with pinned versions

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@

run: $(READY)  ## the gateway with an example company on http://127.0.0.1:$(PORT), data in ./var
	@$(BIN)/python -m dav_gateway.example --port $(PORT)

lint: $(READY)  ## ruff, mypy, the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(READY)  ## let ruff put right what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

texts: $(READY)  ## bring the Spanish catalogue to the texts of the page; then translate what is empty in it
	$(BIN)/pybabel --quiet extract --mapping config/babel.cfg --no-location --omit-header -o build/messages.pot $(WEB)
	$(BIN)/pybabel --quiet update --input-file build/messages.pot --output-dir $(WEB)/catalogues --locale es \
		--no-fuzzy-matching --ignore-obsolete --width 100

test: lint  ## everything, real PostgreSQL and real clients included
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-quick: $(READY)  ## what can fail without a server or client: a minute
	$(BIN)/python -m pytest tests/core tests/dav tests/service tests/config

stress: $(READY)  ## 10 000 revocations on each engine under load and faults, an hour; writes docs/stress.md
	$(BIN)/python -m tests.stress --save

model: $(READY)  ## search the model of the revocation protocol in full, with each mechanism switched off too: minutes
	DAV_GATEWAY_TEST_MODEL=all $(BIN)/python -m pytest -n 2 tests/model

stress-mutations: $(READY)  ## switch each mechanism off in a copy: the short form of stress must go red
	$(BIN)/python -m tests.stress.mutations

screens: $(READY)  ## every screen of the page in eight looks, under build/screens, each judged by axe-core
	DAV_GATEWAY_TEST_LOOKS=all $(BIN)/python -m pytest tests/browser/test_screens.py tests/browser/test_second_step.py \
		tests/browser/test_company.py

fleet: $(READY)  ## every command-line client through a day with the gateway, as a table
	$(BIN)/python tests/interop/fleet.py

benchmark: $(READY)  ## CPU of every request beside other servers, a quarter of an hour; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks --save

constraints: $(READY)  ## pin what is installed now
	$(BIN)/python -m pip freeze --exclude-editable --all | grep -vE '^(dav-gateway|setuptools)' | LC_ALL=C sort -f > constraints.txt

clean:  ## remove what make made; ./var stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
