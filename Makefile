# make run: the synthetic world through the pipeline.  make test: all tests.  make dev: the Dagster UI.
PYTHON ?= python3
BIN := .venv/bin
export GX_ANALYTICS_ENABLED := false
# Containers often set it; then each of the many processes that tests start would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test nightly dev lint bench way pictures clean
.DELETE_ON_ERROR:

# What running needs, and what tests and lint need besides; made anew when what they are made of changes.
.venv/ready-for-tests: extra := [dev]
.venv/ready .venv/ready-for-tests: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Setting up .venv$(if $(extra), for tests) (a minute or more the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# pip is silent while it looks things up and unpacks them. Of most of it nothing is ever imported, so nothing is compiled ahead.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.$(extra)' & pip=$$!; second=0; \
	while kill -0 $$pip 2>/dev/null; do \
	  sleep 1; second=$$((second + 1)); \
	  test $$((second % 5)) -ne 0 || \
	    echo "  … $$second s, $$(find .venv/lib/ -maxdepth 3 -name '*.dist-info' | wc -l) packages in place"; \
	done; wait $$pip
	@touch .venv/ready $@

run: .venv/ready
	@test -d data/inbox || $(BIN)/vroeg sample
	@$(BIN)/vroeg run --all
	@$(BIN)/vroeg evaluate

# What must hold of a DuckLake as it does of the file: the tables, re-runs, kills, retention, erasure.
tests = vroeg_pipeline_tests
on_lake = $(tests)/test_monthly.py $(tests)/end_to_end/test_rerun.py $(tests)/end_to_end/test_differential.py $(tests)/retention $(tests)/residents/test_erasing.py

test: .venv/ready-for-tests
	@$(BIN)/python -m pytest -n auto
	@$(BIN)/python -m pytest -n auto --warehouse lake $(on_lake)

# The properties of the file formats on 10,000 examples each, those of what was contacted and returned on 1,000 and 200, and of
# requests, runs and retention in 200 orders; what removes, erases, restores or changes the key, killed at every change to a file
# and at a hundred moments;
# then the months, returned lists and requests on a DuckLake;
# then five simulated years with all services at work (MONTHS=3 for a part of them).
nightly: .venv/ready-for-tests
	@VROEG_TESTS_NIGHTLY=1 $(BIN)/python -m pytest -n auto --timeout 0 vroeg_pipeline_tests/formats vroeg_pipeline_tests/outcomes \
		vroeg_pipeline_tests/residents vroeg_pipeline_tests/retention vroeg_pipeline_tests/installation \
		vroeg_pipeline_tests/end_to_end/test_encryption.py \
		-k 'round_trip or contacted_orders or divided_over_files or in_any_order or killed_at'
	@$(BIN)/python -m pytest -n auto --warehouse lake $(on_lake) $(tests)/cli/test_whatif.py $(tests)/feedback $(tests)/outcomes \
		$(tests)/residents
	@$(BIN)/python -m vroeg_pipeline_tests.bench.soak --months $(or $(MONTHS),60)

dev: .venv/ready
	@$(BIN)/vroeg dev

lint: .venv/ready-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 vroeg_pipeline

bench: .venv/ready-for-tests
	@$(BIN)/python -m vroeg_pipeline_tests.bench

# docs/way.md, docs/refusals.md and what columns are made of, from the definitions, the words and the statements.
way: .venv/ready-for-tests
	@$(BIN)/python -m vroeg_pipeline_tests.way
	@$(BIN)/python -m vroeg_pipeline_tests.refusals

# Of the handbooks and of README's evaluation, from the sample world. Look at them before you commit them.
pictures: .venv/ready-for-tests
	@$(BIN)/python -m vroeg_pipeline_tests.pictures

# The environment and caches; never data/.
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
