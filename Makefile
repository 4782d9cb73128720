# Two commands: `make demo` and `make test`. Both make .venv and install the pinned stack first, once.
.DEFAULT_GOAL := help

# The newest Python that the pins were tried on comes first; a name that exists but does not start is passed over.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$name -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$name; break; }; done)
JOBS ?= 2
INSTALLED := .venv/installed

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help demo salsa flow ui test test-fast deps lint types clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.10 to 3.13 with venv found; set PYTHON=/path/to/python3" >&2; exit 2; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	.venv/bin/python -m pip check
	@# librosa's compiled functions, once and alone: two processes that compile them into one cache at a time can crash
	.venv/bin/python -c 'import librosa, numpy; y = numpy.sin(numpy.arange(44100.0)); librosa.beat.beat_track(y=y); librosa.onset.onset_detect(y=y)'
	@touch $@

demo: $(INSTALLED) ## data, training, generation, evaluation and report with the small profile
	interdance run
	@echo "Open reports/index.html: the table, and couples to watch."

salsa: $(INSTALLED) ## the same on the motion-captured couples beside the checkout, in runs/salsa
	interdance run --overlay configs/salsa.yaml

flow: $(INSTALLED) ## the same stages as `make demo`, run by Prefect
	python -m flows.pipeline

ui: $(INSTALLED) ## every training with its curves, pages and figures, at http://127.0.0.1:5000
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --backend-store-uri sqlite:///.state/mlflow.db --workers 1

test: $(INSTALLED) ## every test
	OMP_NUM_THREADS=1 python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-fast: $(INSTALLED) ## tests that take seconds
	OMP_NUM_THREADS=1 python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m 'not slow'

deps: $(INSTALLED) ## write the code among the deps of dvc.yaml anew, from what the stages import
	python tests/layout.py

lint: $(INSTALLED) ## ruff
	ruff check .

types: $(INSTALLED) ## mypy
	mypy interdance flows

clean: ## remove what stages wrote and every private run; records in .state and DVC's cache stay
	rm -rf data/takes data/music data/encoded data/cards data/split.json data/statistics.npz data/reference.npz models generated reports runs .kept
