# headsmith: `make demo` is the way in. Everything runs in .venv, made from the hash locks of requirements/.

PYTHON ?= python3
BIN := .venv/bin
CLIP := franck

.PHONY: help setup demo test lint docs graph lock clean

help:
	@echo "make setup   make .venv (Python 3.11, no GPU needed)"
	@echo "make demo    a real video becomes an avatar; names the report to open"
	@echo "make test    the tests"
	@echo "make lint    style and wiring"
	@echo "make docs    the files generated from the settings' types"
	@echo "make graph   the graph of rules in the README"
	@echo "make lock    compile the requirements anew, those of envs/ included"
	@echo "make pin     pin what conda installs (docs/conda.md); make containerfile   the image of the environments"
	@echo "make test-conda   the tests of the environments with pip installing all of it: gigabytes"
	@echo "make clean   remove results/ and logs/, keep what was fetched"

setup: .venv/.installed

.venv/.installed: requirements/cpu.lock requirements/gpu.lock requirements/install.py
	@$(PYTHON) requirements/install.py
	@touch $@

demo: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores all -- results/$(CLIP)/report/index.html
	@echo "Open $(CURDIR)/results/$(CLIP)/report/index.html"

test: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --compact-diff Snakefile rules
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint

docs: setup
	PYTHONPATH=src $(BIN)/python -m headsmith.contract.config_text

graph: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" python docs/draw_graph.py

lock:
	$(PYTHON) requirements/lock.py

.PHONY: pin containerfile test-conda

pin: setup
	$(BIN)/python requirements/pin.py

containerfile: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" python requirements/containerfile.py

test-conda: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" HEADSMITH_REAL_PIP=1 python -m pytest tests/environments

clean:
	rm -rf results logs .snakemake
