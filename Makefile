# Two commands are enough to see what this is: `make demo` and `make test`. Everything they need is installed into
# .venv and nothing outside it is touched; a second run starts at once.
#
# The package is installed in place (editable), so a change of a .py file needs no command at all; a change of what is
# compiled makes the next verb compile again, which takes about a minute.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
NPM    := NODE_OPTIONS=--use-system-ca $(BIN)/npm install --silent --no-audit --no-fund

# What the compiled modules are made of.
COMPILED := setup.py pyproject.toml src/actfn/catalog.py $(wildcard src/*.py src/*.pyx src/*.pxi src/*.in)

# What sets the formulas of the documentation, and what draws its explorer; node comes with the group `docs`.
KATEX := build/katex
UPLOT := build/uplot

# What drops the rules of stylesheets that no page of it uses.
PURGECSS := build/purgecss

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test docs site-check translations sweep bench pins lint clean

help:
	@echo "make demo    train a network on handwritten digits; writes build/digits.png"
	@echo "make test    run every test"
	@echo "make docs    build the documentation, English and Korean; it begins at build/docs/html/index.html"
	@echo "make translations   bring the Korean catalogs up to date, and list what is missing in them"
	@echo "make site-check  hold the built documentation to its standards in Chromium; make docs comes first"
	@echo "make sweep   measure the error at every float32 input; hours, can be interrupted"
	@echo "make bench   race against other libraries at every size; about an hour, can be interrupted"
	@echo "make pins    renew the versions and hashes that a release is built with"
	@echo "make lint    check style, types and spelling"
	@echo "make clean   delete all that was built, .venv included"

demo: $(VENV)/installed $(VENV)/group-demo
	@mkdir -p build
	$(BIN)/python gallery/train_digits.py

test: $(VENV)/installed $(VENV)/group-test
	$(BIN)/python -m pytest -n auto

sweep: $(VENV)/installed $(VENV)/group-test
	$(BIN)/python -m benchmarks.sweep --dtype float16
	$(BIN)/python -m benchmarks.sweep --dtype float64
	$(BIN)/python -m benchmarks.sweep --dtype float32

# What has changed since the last time is built again; `make clean` forgets it. The site opens without a server.
docs: $(VENV)/installed $(VENV)/group-docs $(KATEX)/static/katex.min.css $(UPLOT)/static/uPlot.min.css $(PURGECSS)/installed
	$(BIN)/python docs/_ext/editions.py build
	$(BIN)/python docs/_ext/offline.py build/docs/html

# In a browser that the machine has: Debian's package is called chromium.
site-check: $(VENV)/group-docs build/site-check/installed
	$(BIN)/node tools/site_check.mjs build/docs/html

build/site-check/installed: $(VENV)/group-docs
	@echo "Installing axe-core, Lighthouse and html-validate into build/site-check"
	@$(NPM) --prefix build/site-check \
	  puppeteer-core@25 @axe-core/puppeteer@4 lighthouse@13 html-validate@11
	@touch $@

# What is new or has changed in English, into the catalogs in docs/locale; CONTRIBUTING.md says how to go on.
translations: $(VENV)/installed $(VENV)/group-docs $(KATEX)/static/katex.min.css $(UPLOT)/static/uPlot.min.css
	$(BIN)/python docs/_ext/editions.py update
	$(BIN)/python docs/_ext/editions.py check

# What is in build/speed.json already is not measured again. `python -m benchmarks` alone is the quick version.
bench: $(VENV)/installed $(VENV)/group-bench
	$(BIN)/python -m benchmarks --cells full --resume --plots build/plots

# Versions and hashes of what a release is built and examined with.
pins: $(VENV)/created
	@$(PIP) install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/pins.py

# Compiled, because stubtest compares the types with what is there when the package is imported.
lint: $(VENV)/installed $(VENV)/group-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint src
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest actfn --allowlist tests/typing/stubtest.txt --ignore-unused-allowlist --mypy-config-file pyproject.toml
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/codespell
	$(BIN)/zizmor --offline .github
	$(BIN)/sp-repo-review .

clean:
	rm -rf $(VENV) build dist wheelhouse src/*.egg-info src/actfn/*.so src/actfn/*.pxd src/actfn/*.pyi
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks tools gallery docs -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- What the verbs need ----
# Each file is an empty stamp: it stands for something that was done in .venv.

# Dependency groups need pip 25.1; Python 3.11 and 3.12 bring an older one.
$(VENV)/created:
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "actfn needs Python 3.11 or later: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --upgrade "pip>=25.1"
	@touch $@

# The modules are deleted first: setuptools compares them with the sources, but not with the flags in setup.py.
$(VENV)/installed: $(VENV)/created $(COMPILED)
	@echo "Compiling and installing actfn, about a minute"
	@rm -f src/actfn/*.so
	@$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/group-%: $(VENV)/created pyproject.toml
	@echo "Installing the dependencies of $*"
	@$(PIP) install --quiet --group $*
	@touch $@

# Node trusts those whom the system trusts, as pip does, and not only those it knows by itself.
$(KATEX)/static/katex.min.css: $(VENV)/group-docs
	@echo "Installing KaTeX into $(KATEX)"
	@$(NPM) --prefix $(KATEX) katex@0.16
	@mkdir -p $(KATEX)/static/fonts
	@cp $(KATEX)/node_modules/katex/dist/fonts/*.woff2 $(KATEX)/static/fonts
	@cp $(KATEX)/node_modules/katex/dist/katex.min.css $@

$(UPLOT)/static/uPlot.min.css: $(VENV)/group-docs
	@echo "Installing uPlot into $(UPLOT)"
	@$(NPM) --prefix $(UPLOT) uplot@1.6
	@mkdir -p $(UPLOT)/static
	@cp $(UPLOT)/node_modules/uplot/dist/uPlot.iife.min.js $(UPLOT)/static
	@cp $(UPLOT)/node_modules/uplot/dist/uPlot.min.css $@

$(PURGECSS)/installed: $(VENV)/group-docs
	@echo "Installing PurgeCSS into $(PURGECSS)"
	@$(NPM) --prefix $(PURGECSS) purgecss@7
	@touch $@
