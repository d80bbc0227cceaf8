# make sfc     run SFC on real digits on the CPU and check the generated HLS C++ against it
# make test    all checks: ruff, mypy, pytest
# make check   ruff and mypy only
# make bench   measure; BENCH='--cifar10 FILE --bnn-pynq DIR --golden FILE' for all of it
# make clean   remove what was generated
#
# Needs Linux, Python >= 3.11 with venv, and g++. Another Python: make test PYTHON=python3.13

VENV := .venv
BIN := $(VENV)/bin

ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
endif

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: sfc test check bench clean tools typing
.DELETE_ON_ERROR:

# An environment for tests can do all that one for csim can: do not install twice.
CSIM_STAMP := $(if $(wildcard $(VENV)/installed-test),$(VENV)/installed-test,$(VENV)/installed-csim)

sfc: tools $(CSIM_STAMP)
	$(BIN)/python networks/sfc.py --schedule fold_a --csim 1000

test: check
	$(BIN)/pytest -n auto

check: tools $(VENV)/installed-test typing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo $(BIN)/mypy; $(BIN)/mypy >out/mypy.txt; status=$$?; \
	sed -E -e 's,^out/typing/bitfold/((build|kernels|networks|schedules)/),\1,' \
		-e 's,^out/typing/,src/,' out/mypy.txt; exit $$status

bench: tools $(CSIM_STAMP)
	@failed=; for each in sfc 'networks lfc $(BENCH)' 'networks cnv $(BENCH)' resources folding paper 'simulate --depths' \
	compile checks; do \
	set -- $$each; file=benchmarks/$$1.py; shift; $(BIN)/python $$file "$$@" || failed="$$failed $$file"; done; \
	test -z "$$failed" || { echo "a row is not met in:$$failed" >&2; exit 1; }

clean:
	rm -rf out $(VENV) bitfold.egg-info

# One message for each thing that pip cannot install.
tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "bitfold needs Python >= 3.11, and '$(PYTHON)' is not one: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null && command -v g++ >/dev/null || \
	{ echo "bitfold needs g++ and Python's venv module: apt-get install python3-venv g++" >&2; exit 1; }

# Type checkers do not follow package-dir: show them one folder in which `bitfold` is whole.
typing:
	@rm -rf out/typing && mkdir -p out/typing/bitfold
	@for item in src/bitfold/* build docs kernels networks schedules; do ln -s ../../../$$item out/typing/bitfold/; done

$(VENV)/created:
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed-%: $(VENV)/created pyproject.toml setup.cfg
	@echo "installing bitfold and its dependencies into $(VENV) (about 100 MB, once)"
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
