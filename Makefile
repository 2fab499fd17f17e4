# Two commands do all the set-up: `make demo` and `make test`.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUNS ?= runs/demo
ALL_METHODS ?= runs/all_methods
JOBS ?= 2
READY := $(VENV)/.ready

.PHONY: demo all-methods rivals study-report test test-fast test-more test-long lint docs bench \
        clean
.DEFAULT_GOAL := demo

$(READY): pyproject.toml
	$(PYTHON) .ci/install $(VENV)
	touch $@

# Built-in scenes: supervised with 20 labels and with all, CLCC with 20; five seeds, in pairs.
demo: $(READY)
	$(BIN)/cclcc prepare synthetic --count 1200 --size 48 --test-share 0.2 --data $(RUNS)/data
	$(BIN)/cclcc ablate recipes/ablations/demo.yaml --workers 2 --device cpu --precision fp32 \
	    --data $(RUNS)/data --runs $(RUNS)
	$(BIN)/cclcc report ablation demo --runs $(RUNS)
	@echo
	@echo "Page:         $(RUNS)/ablations/demo/report.html, with pictures, to open in a browser"
	@echo "Run folders:  $(RUNS)/synthetic-48/, each with overlays/ of test images"
	@echo "In MLflow:    $(BIN)/cclcc ui --runs $(RUNS), which names the address to open"
	@echo "Next:         $(BIN)/cclcc prepare my-polyps --images DIR --masks DIR"

# Every method on 5 % labels of the built-in scenes, three seeds, JOBS runs at once.
# Stopped and started again it goes on; finished runs are not trained again.
all-methods: $(READY)
	$(BIN)/cclcc prepare synthetic --count 2000 --size 64 --data $(ALL_METHODS)/data
	$(BIN)/cclcc ablate recipes/ablations/all_methods.yaml --workers $(JOBS) \
	    --data $(ALL_METHODS)/data --runs $(ALL_METHODS)
	$(BIN)/cclcc report costs --runs $(ALL_METHODS)

rivals: all-methods   # its old name

# Every table of the study, from its bundle.
study-report: $(READY)
	$(BIN)/python benchmarks/documents.py recipes/studies/README.md README.md

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

# The tables of keys and the schema of recipes, from the code; a test compares them.
docs: $(READY)
	$(BIN)/python -m cclcc_cli.config.document

bench: $(READY)
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/methods.py
	$(BIN)/python benchmarks/batch_norm.py
	$(BIN)/python benchmarks/threads.py --busy 2
	$(BIN)/python benchmarks/worker_start.py
	$(BIN)/python benchmarks/evidence.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/audit_scale.py --counts 1000 2000
	$(BIN)/python benchmarks/surface.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/evidence.py

clean:
	rm -rf $(VENV) build dist *.egg-info
