# The few commands there are. PORT, HOST and DATA_DIR move what `make run` starts.
.DEFAULT_GOAL := run
.PHONY: run test lint bench clean shell install install-dev
PY := .venv/bin/python
export PORT HOST DATA_DIR

run: install
	@exec $(PY) -m project.run

shell: install
	@exec $(PY) -m project.run shell

test: lint
	$(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

lint: install-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .

bench: install-dev
	@exec $(PY) -m tests.bench $(ARGS)

clean:
	@if [ -x $(PY) ]; then $(PY) -m project.run --clean; fi
	rm -rf staticfiles test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

install:
	@./bin/install requirements.txt

install-dev:
	@./bin/install requirements-dev.txt
