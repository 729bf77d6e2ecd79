# Two commands for a fresh machine with Python 3.11, git and make:
#   make demo   runs a real live session through every part and builds its archive
#   make test   runs the tests
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# How often `make search-faults` draws examples anew.
ROUNDS ?= 5
# Most tests wait for real processes and real seconds, so more jobs than processors are of use.
TEST_JOBS ?= 4

.PHONY: demo test check format search-faults test-browser test-postgres test-engines golden extras bench constraints clean

demo: $(STAMP)
	@$(BIN)/streamhub demo --folder .demo

test: $(STAMP) check
	$(BIN)/python -m pytest -q -n $(TEST_JOBS) --dist loadfile -m "not browser and not postgres and not engines"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tests with properties again, on examples that nobody tried yet; a fault found here becomes a test of its own.
search-faults: $(STAMP)
	for round in $$(seq $(ROUNDS)); do $(BIN)/python -m pytest -q -n $(TEST_JOBS) --timeout 1800 --hypothesis-profile other \
	  -m "hypothesis and not browser and not postgres and not engines" || exit 1; done

test-browser: $(VENV)/.browser
	$(BIN)/python -m pytest -q -m browser

test-postgres: $(STAMP)
	$(BIN)/python -m pytest -q -m postgres

test-engines: $(VENV)/.engines
	$(BIN)/python -m pytest -q -m engines

$(STAMP): pyproject.toml constraints.txt hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "streamhub needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing streamhub and its packages into $(VENV) (about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(VENV)/.browser: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,browser]'
	@touch $@

# The CPU build of torch is wanted here; on a machine with a GPU install torch as its makers say.
$(VENV)/.engines: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 onnx==1.23.2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,openai-whisper,diarisation]'
	@touch $@

# The site that tests compare with what is built: made anew, to be looked at and committed.
golden: $(STAMP)
	$(BIN)/python tests/archive/golden_site.py

extras: test-browser test-postgres test-engines

bench: $(STAMP)
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Takes the newest versions that pyproject.toml allows into constraints.txt.
constraints:
	$(PYTHON) -m venv build/fresh
	build/fresh/bin/python -m pip install --quiet --upgrade --editable '.[dev,browser]'
	(echo "# Versions that the Makefile installs; made with: make constraints"; \
	  build/fresh/bin/python -m pip freeze --exclude-editable | sort -f) > constraints.txt

clean:
	rm -rf $(VENV) .demo build dist site/static/vendor
