# Everything sets itself up; `make help` says what there is.
VENV ?= .venv
BIN := $(VENV)/bin
export VENV

.PHONY: help setup demo mini lint test check docs soak dev benchmarks

help:
	@echo 'make demo        render a small StreetHazards, train, run CAOS, show where the report is (about 7 minutes)'
	@echo 'make mini        the table of docs/results.md: six towns, every detector, three training runs (about an hour)'
	@echo 'make test        everything that must hold: style, types, layers, all tests (20 minutes on two slow cores)'
	@echo 'make check       style, types, layers and the fast tests (about 2 minutes)'
	@echo 'make docs        the documentation, strictly, into out/site/index.html (half a minute)'
	@echo 'make soak        a hundred kills -9 at random moments while frames are rendered (many minutes)'
	@echo 'make dev         set up, and run make check before every commit'
	@echo 'make benchmarks  measure; writes JSON to out/benchmarks'

setup:
	@scripts/setup.sh

demo: setup
	@scripts/demo.sh

mini: setup
	@scripts/mini.sh

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/pytest -q -n 2 --dist loadgroup -m 'not slow'

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'docs: out/site/index.html'

test: lint
	$(BIN)/pytest -q -n 2 --dist loadgroup -m 'not slow'
	$(BIN)/pytest -q -n 2 --dist loadgroup -m 'slow and not soak'

soak: setup
	$(BIN)/pytest -q -s -m soak

dev: setup
	@printf '#!/bin/sh\nexec make check\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit
	@echo 'make check now runs before every commit'

benchmarks: setup
	@mkdir -p out/benchmarks
	@for file in tests/benchmarks/bench_*.py; do \
		echo "$$file"; $(BIN)/python $$file > out/benchmarks/$$(basename $$file .py).json || exit 1; \
	done
