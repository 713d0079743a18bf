# Needs Python 3.11 or newer and make; everything else is put into .venv on first use.
#   make app     open the map              make lint    style and types
#   make test    run the tests             make bench   run the benchmarks
#   make docs    write the reference of the Python packages into build/docs
#   make fuzz    spoil every input for ten minutes (FUZZ_S=3600), make audit  ask for known weaknesses
#   make screens take the pictures of docs/screens again (ARGS="--store FILE --at 2026-07-28T18:00")
#   make lock    pin the dependencies again (UPGRADE=--upgrade for newer ones)
# Another Python: make PYTHON=python3.12 test.  Options for pytest: make test ARGS="-k sea".

# An environment once made is kept, whichever Python made it.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(or $(wildcard .venv/bin/python),python3)
endif
ARGS ?=
UPGRADE ?=
FUZZ_S ?= 600

BIN := .venv/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# Named after the Python, so that asking for another one makes the environment again.
DEPENDENCIES := .venv/.dependencies-$(VERSION)
INSTALLED := .venv/.installed-$(VERSION)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
# Installing the project brings the library of the map, in the version of this lock.
MAP := corridors/ui/map
LOCK := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--fork-strategy fewest --no-annotate --no-header $(UPGRADE)

.PHONY: app test lint bench docs fuzz audit screens install lock clean
.DELETE_ON_ERROR:

app: $(INSTALLED)
	$(BIN)/corridors app $(ARGS)

# A file's tests stay together: what they share is made once for them. One that hangs is named.
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --timeout 600 $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict corridors layers app.py

bench: $(INSTALLED)
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only $(ARGS)

docs: $(INSTALLED)
	$(BIN)/python -m docs.reference build/docs

fuzz: $(INSTALLED)
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_S)

# Needs a network with an advisory service; pip-audit is no part of the project.
audit: requirements.lock
	pip-audit -r requirements.lock --require-hashes --disable-pip

screens: $(INSTALLED)
	$(BIN)/python -m tests.screens $(ARGS)

install: $(INSTALLED)

# The tools that build come first: with --no-build-isolation pip takes them from .venv, where
# their hashes were checked, and not unseen from outside.
$(DEPENDENCIES): requirements-build.lock requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "corridors needs Python 3.11 or newer, but '$(PYTHON)' is $(or $(VERSION),not there); name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@$(PYTHON) -m venv --clear .venv || { \
		echo "'$(PYTHON)' could not make a virtual environment; on Debian and Ubuntu the package python3-venv is missing" >&2; \
		exit 1; }
	@echo "Installing the dependencies into .venv, once, for about a minute"
	$(PIP) --require-hashes -r requirements-build.lock
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(INSTALLED): $(DEPENDENCIES) pyproject.toml $(MAP)/package-lock.json
	$(PIP) --no-deps --editable .
	@touch $@

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(LOCK) --group pyproject.toml:build --output-file requirements-build.lock
	$(LOCK) pyproject.toml --group build --group dev --constraints requirements-build.lock \
		--output-file requirements.lock
	$(MAKE) install
	$(BIN)/python $(MAP)/library.py

clean:
	rm -rf .venv build dist $(MAP)/files/maplibre-gl* .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
