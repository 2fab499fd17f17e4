# Two commands do all the set-up: `make demo` and `make test`.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUNS ?= runs/demo
READY := $(VENV)/.ready

.PHONY: demo test test-fast lint bench clean
.DEFAULT_GOAL := demo

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

# The main job on built-in data: a supervised baseline and CLCC on 10 % labels, equal steps.
demo: $(READY)
	$(BIN)/cclcc prepare synthetic --count 400 --size 96 --data $(RUNS)/data
	$(BIN)/cclcc train recipes/quickstart_supervised.yaml --data $(RUNS)/data --runs $(RUNS)
	$(BIN)/cclcc train recipes/quickstart.yaml --data $(RUNS)/data --runs $(RUNS)
	$(BIN)/cclcc report --runs $(RUNS)
	@echo
	@echo "Run folders:  $(RUNS)/synthetic-96/"
	@echo "In MLflow:    $(BIN)/mlflow ui --backend-store-uri sqlite:///$(RUNS)/mlflow.db"
	@echo "              then open http://127.0.0.1:5000"
	@echo "Next:         README.md, 'Your own data'"

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow and not browser'

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/data.py

clean:
	rm -rf $(VENV) build dist *.egg-info
