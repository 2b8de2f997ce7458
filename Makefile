# make run: the national meeting. make test: every check and test. Both set up .venv first.
.DELETE_ON_ERROR:
.PHONY: help run test check docs gate bench setup clean

SCENARIO = scenarios/national.yaml
ARGS =

BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

help:
	@echo 'make run      simulate $(SCENARIO)  (SCENARIO=... ARGS="--duration 1min" change that)'
	@echo 'make test     lint, types, import layers and every test'
	@echo 'make check    the same without the tests'
	@echo 'make docs     build the site of docs/ in build/site'
	@echo 'make gate     hold the scenarios against results/baseline  (ARGS=--update: accept)'
	@echo 'make bench    measure the speed'
	@echo 'make clean    remove .venv and caches; results/ stays'
	@echo 'Needs Python 3.11 or newer; PYTHON=/path/to/python chooses one.'

# Exit code 1 says that a requirement is missed: an answer, and not a failure of make.
run: .venv/run.stamp
	@status=0; $(BIN)/python -m sim run $(SCENARIO) $(ARGS) || status=$$?; \
	if [ $$status -eq 1 ]; then exit 0; fi; exit $$status

test: check
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(BIN)/pytest -n auto --dist worksteal

check: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/dev.stamp
	$(BIN)/mkdocs build --strict --quiet

gate: .venv/run.stamp
	$(BIN)/python -m sim check $(ARGS)

bench: .venv/dev.stamp
	$(BIN)/python benchmarks/packet_hops.py $(ARGS)
	$(BIN)/python benchmarks/emission.py

setup: .venv/dev.stamp

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find sim tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: .venv/python.stamp pyproject.toml constraints.txt
	@echo 'Installing what a run needs ...'
	@$(PIP) install --no-build-isolation -c constraints.txt -e .
	@touch $@

.venv/dev.stamp: .venv/python.stamp pyproject.toml constraints.txt
	@echo 'Installing what a run and the tests need ...'
	@$(PIP) install --no-build-isolation -c constraints.txt -e '.[dev]'
	@touch $@ .venv/run.stamp

# setuptools first, pinned like everything else: it builds the project itself.
.venv/python.stamp: constraints.txt
	@python=; \
	for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    found=$$($(or $(PYTHON),python3) --version 2>/dev/null) || found='no Python 3'; \
	    echo "Python 3.11 or newer is needed; found: $$found" >&2; \
	    echo 'Install one, or name it: make run PYTHON=/path/to/python3.12' >&2; \
	    exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
	    echo "Creating .venv with $$("$$python" --version) ..."; \
	    "$$python" -m venv .venv || { rm -rf .venv; \
	        echo 'This Python cannot create a venv; on Debian: apt install python3-venv' >&2; \
	        exit 1; }; \
	fi
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	@$(PIP) install -c constraints.txt setuptools
	@touch $@
