# Each target makes .venv by itself; a second call does no work that is done already.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: help demo test test-fast check format venv bench clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

venv: ## make or refresh .venv
	@test -n "$(PYTHON)" || { echo "Podium needs Python 3.11 or newer; none was found." >&2; exit 1; }
	@$(PYTHON) tools/bootstrap.py

demo: venv ## the whole story three times: plain Python, Airflow, Prefect
	@$(BIN)/python -m podium_demo

test: venv ## all tests
	$(BIN)/python -m pytest --numprocesses 2

test-fast: venv ## the tests without real stacks and kill loops
	$(BIN)/python -m pytest --numprocesses 2 -m "not slow"

check: venv ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv ## side by side with MLflow and with the limits of this machine
	$(BIN)/python -m benchmarks

clean: ## remove .venv and what the demo left
	rm -rf .venv .demo
