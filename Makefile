# Every target does its own set-up: `make test` and `make demo` work on a fresh machine.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	if $$p -c 'import ensurepip, sys; v = sys.version_info; sys.exit(v < (3, 11) or v[:3] == (3, 12, 0))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
PIP := -m pip install --quiet --disable-pip-version-check
# Nothing is installed that the lock file does not know by its hash; ours comes after, by a link.
OURS := $(PIP) --no-deps --no-build-isolation -e .

.PHONY: help demo test fuzz check bench docs lock clean

help:
	@echo "make demo    what a policy does for a real service, side by side"
	@echo "make test    every test, on every interpreter found here"
	@echo "make fuzz    what reads text, against text that nobody would write; EACH=300 seconds a target"
	@echo "make check   lint, types, layers"
	@echo "make bench   what a call costs, beside its peers"
	@echo "make docs    the documentation site, in site/"
	@echo "make lock    the newest versions that fit, in $(LOCK)"

$(VENV)/.made: pyproject.toml $(LOCK)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, with its venv module (on Debian: python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP) --require-hashes -r $(LOCK) && $(BIN)/python $(OURS)
	@touch $@

demo: $(VENV)/.made
	@$(BIN)/python examples/digits/demo.py

# Two halves side by side; what the second says is shown when both are done.
TEXT := $(addprefix tests/,cli corpus document golden lint model plan source testing test_laws.py)
# Compiled first: tests start many processes, which may be kept from writing what they compile.
test: $(VENV)/.made
	@$(BIN)/python -m compileall -q src
	@scripts/prometheus $(VENV)/prometheus || true
	@scripts/chromium || true
	@scripts/test-beside $(LOCK) "$(TEXT)" > $(VENV)/beside.log 2>&1 & beside=$$!; \
	failed=0; $(BIN)/python -m pytest -q tests $(addprefix --ignore=,$(TEXT)) || failed=1; \
	wait $$beside || failed=1; cat $(VENV)/beside.log; exit $$failed

# atheris has wheels for few interpreters: an environment of its own, on the oldest that we know.
FUZZED ?= document models repair variables words tests schema
EACH ?= 300
$(VENV)-fuzz/.made: pyproject.toml requirements-fuzz.lock
	@python3.11 -m venv $(VENV)-fuzz
	@$(VENV)-fuzz/bin/python $(PIP) --require-hashes -r requirements-fuzz.lock
	@$(VENV)-fuzz/bin/python $(OURS)
	@touch $@

fuzz: $(VENV)-fuzz/.made
	@for target in $(FUZZED); do $(VENV)-fuzz/bin/python -m tests.fuzz $$target -max_total_time=$(EACH) || exit 1; done

check: $(VENV)/.made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r src
	$(BIN)/python -m pytest -q tests/test_source.py
	$(BIN)/mlpolicy validate --fail-on info
	$(BIN)/mlpolicy apply --module examples.digits.serve --check

bench: $(VENV)/.made
	@$(BIN)/python -m bench

docs: $(VENV)/.made
	@$(BIN)/mkdocs build --quiet --strict && echo "site/index.html"

# For every platform and interpreter of ours; without the old lock, or no version would ever rise.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--upgrade --custom-compile-command 'make lock' pyproject.toml
lock:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, with its venv module (on Debian: python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)-lock
	@$(VENV)-lock/bin/python $(PIP) uv
	@$(VENV)-lock/bin/$(COMPILE) --extra test --extra demo --extra dev --extra bench --extra docs -o $(LOCK)
	@$(VENV)-lock/bin/$(COMPILE) --extra fuzz -o requirements-fuzz.lock

clean:
	rm -rf .venv .venv-* site build dist
