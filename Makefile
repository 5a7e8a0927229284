# Everything in its own environment, .venv, made when it is first needed or when pyproject.toml changes.

PYTHON ?= python3
BIN := .venv/bin
MODEL ?= qwen2.5-coder-1.5b
TEST_MODEL := smollm2-135m

.PHONY: demo test test-fast test-gpu check clean

# Watch example texts turn into personas, and personas into math problems.
demo: .venv/installed
	$(BIN)/personahub models pull $(MODEL)
	$(BIN)/personahub demo --model $(MODEL)

# Every check and every test.
test: check
	$(BIN)/personahub models pull $(TEST_MODEL)
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=term --cov-fail-under=85

# Without the tests that take many seconds each.
test-fast: .venv/dev
	$(BIN)/personahub models pull $(TEST_MODEL)
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not gpu"

# What needs PyTorch, TRL among it, in an environment of its own; on the processor where there is no GPU.
test-gpu: .venv-gpu/installed
	.venv-gpu/bin/pytest -m gpu

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[local,verify,evaluate]"
	touch $@

.venv/dev: .venv/installed
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

.venv-gpu/installed: pyproject.toml
	$(PYTHON) -m venv .venv-gpu
	.venv-gpu/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-gpu/bin/python -m pip install --quiet --editable ".[gpu]"
	.venv-gpu/bin/python -m pip install --quiet --group dev --group trainers
	touch $@

clean:
	rm -rf .venv .venv-gpu
