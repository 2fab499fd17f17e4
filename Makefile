# Two commands do all the set-up: `make demo` and `make test`.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUNS ?= runs/demo
RIVALS ?= runs/rivals
JOBS ?= 2
READY := $(VENV)/.ready

.PHONY: demo rivals test test-fast test-more test-long lint bench clean
.DEFAULT_GOAL := demo

$(READY): pyproject.toml
	$(PYTHON) .ci/install $(VENV)
	touch $@

# Built-in scenes, a supervised baseline and CLCC, three seeds each, judged in pairs.
demo: $(READY)
	$(BIN)/cclcc prepare synthetic --count 600 --size 64 --data $(RUNS)/data
	$(BIN)/cclcc ablate recipes/ablations/demo.yaml --workers 2 --data $(RUNS)/data --runs $(RUNS)
	$(BIN)/cclcc report --runs $(RUNS) --ablation demo
	@echo
	@echo "Page:         $(RUNS)/ablations/demo/report.html, with pictures, to open in a browser"
	@echo "Run folders:  $(RUNS)/synthetic-64/, each with overlays/ of test images"
	@echo "In MLflow:    $(BIN)/cclcc ui --runs $(RUNS), which names the address to open"
	@echo "Next:         $(BIN)/cclcc prepare my-polyps --images DIR --masks DIR"

# Every method on 5 % labels of the built-in scenes, three seeds, JOBS cells at once.
# Stopped and started again it goes on; finished cells are not trained again.
rivals: $(READY)
	$(BIN)/cclcc prepare synthetic --count 2000 --size 64 --data $(RIVALS)/data
	$(BIN)/cclcc ablate recipes/ablations/rivals.yaml --workers $(JOBS) \
	    --data $(RIVALS)/data --runs $(RIVALS)
	$(BIN)/cclcc report --runs $(RIVALS) --costs

# What also needs a browser, Slurm or PostgreSQL, or kills processes over and over.
MORE := more or browser or slurm or postgres

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not long and not ($(MORE))'

test-more: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not long and ($(MORE))'

test-long: $(READY)
	$(BIN)/python -m pytest -m long --timeout=0

test-fast: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not long and not slow and not ($(MORE))'

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/methods.py
	$(BIN)/python benchmarks/batch_norm.py
	$(BIN)/python benchmarks/threads.py --busy 2
	$(BIN)/python benchmarks/worker_start.py
	$(BIN)/python benchmarks/evidence.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/audit.py --counts 1000 2000
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/evidence.py

clean:
	rm -rf $(VENV) build dist *.egg-info
