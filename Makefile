# Every target prepares what it needs: `make test` works in a fresh checkout.
# Not PYTHON, which is the user's word for the interpreter that makes .venv.
VENV_PYTHON := .venv/bin/python

.PHONY: setup build lint types test cluster bench wheel constraints clean

setup: .venv/ready

.venv/ready: scripts/setup pyproject.toml constraints.txt
	scripts/setup
	touch $@

# Compiled extensions beside their sources; quick when nothing changed.
build: setup
	$(VENV_PYTHON) setup.py --quiet build_ext --inplace

lint: setup
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check

types: build
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m mypy.stubtest --allowlist scripts/stubtest-allowlist.txt --ignore-unused-allowlist amfast._ext

# Two at a time: most of what takes long waits for processes. A file's tests stay together, as they share fixtures.
test: lint types
	$(VENV_PYTHON) -m pytest -n 2 --dist loadfile

cluster: build
	$(VENV_PYTHON) examples/cluster/run.py $(ARGS)

bench: build
	$(VENV_PYTHON) -m pytest bench
	PYTHONPATH=. $(VENV_PYTHON) bench/alert_path.py $(ARGS)

wheel: setup
	$(VENV_PYTHON) -m build --no-isolation

constraints: setup
	(sed '/^[^#]/d' constraints.txt; $(VENV_PYTHON) -m pip freeze --all --exclude amfast --exclude pip) >.venv/frozen
	mv .venv/frozen constraints.txt

clean:
	rm -rf build dist *.egg-info .cluster .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	rm -f amfast/_ext/*.c amfast/_ext/*.so
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
