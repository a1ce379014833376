# Everything sets itself up; `make help` says what there is.
VENV ?= .venv
BIN := $(VENV)/bin
export VENV

.PHONY: help setup demo mini format lint check quick-hazardsim quick-ood_eval test docs soak images coverage dev benchmarks
.SUFFIXES:

help:
	@echo 'make demo        render a small StreetHazards, train, run CAOS, show where the report is (about 7 minutes)'
	@echo 'make mini        the table of docs/results.md: six towns, every detector, three training runs (about an hour)'
	@echo 'make test        everything that must hold: style, types, layers, all tests but those of soak and images'
	@echo 'make check       what one wants before a commit: style, types, layers and the quick tests'
	@echo 'make docs        the documentation, strictly, into out/site/index.html (half a minute)'
	@echo 'make soak        what takes many minutes: a hundred kills -9 at random moments, every fetched model'
	@echo 'make images      the container images of docker/Dockerfile, built and run by buildah (some minutes, some GB)'
	@echo 'make coverage    which lines the quick tests run; writes out/coverage'
	@echo 'make format      let ruff write what it can'
	@echo 'make dev         set up, and have style, types and layers checked before every commit (seconds)'
	@echo 'make benchmarks  measure; writes JSON to out/benchmarks'

setup:
	@scripts/setup.sh

# Neither needs a browser or a compose file's reader.
demo mini: export EXTRAS ?= eval,weights
demo: setup
	@scripts/demo.sh

mini: setup
	@scripts/mini.sh

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# One process a package, side by side: only one of them loads torch.
check: setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target quick-ood_eval lint quick-hazardsim

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'docs: out/site/index.html'

quick-ood_eval: setup
	$(BIN)/pytest -q -m 'not slow' tests/ood_eval

quick-hazardsim: setup
	$(BIN)/pytest -q -m 'not slow' --ignore tests/ood_eval

# Slow ones first (tests/conftest.py), so that the workers end together.
test: lint docs
	$(BIN)/pytest -q -n 2 --dist loadgroup -m 'not soak and not images'

soak: setup
	$(BIN)/pytest -q -s -m soak

images: setup
	@command -v buildah >/dev/null && command -v debootstrap >/dev/null && [ "$$(id -u)" = 0 ] || \
		{ echo 'make images: needs root, buildah and debootstrap' >&2; exit 1; }
	$(BIN)/pytest -q -m images tests/docker

coverage: setup
	@mkdir -p out
	$(BIN)/coverage run -m pytest -q -m 'not slow'
	$(BIN)/coverage html
	$(BIN)/coverage report --skip-covered

dev: setup
	@printf '#!/bin/sh\nexec make lint\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit
	@echo 'style, types and layers are checked before every commit; make check has the quick tests too'

benchmarks: setup
	@mkdir -p out/benchmarks
	@for file in tests/benchmarks/bench_*.py; do \
		echo "$$file"; $(BIN)/python $$file > out/benchmarks/$$(basename $$file .py).json || exit 1; \
	done
