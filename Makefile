# Everything that is run by hand. `make help` lists it.
PORT ?= 8000
SERVE ?= 1
VENV := .venv
RUN := $(VENV)/bin
# Everything that Python and numba keep goes into .venv, so that the checkout stays as it is.
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache
export NUMBA_CACHE_DIR := $(CURDIR)/$(VENV)/numba

.DEFAULT_GOAL := help
.PHONY: help demo run test check format bench setup messages lock policy clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

demo: ## the main job on real or fictional data, then the site (PORT=8000 SERVE=1 MUNICIPALITY=code)
	@tools/setup.sh base
	@$(RUN)/trygg demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve) \
	    $(if $(MUNICIPALITY),--municipality $(MUNICIPALITY))

run: ## development server on var/dev/ (PORT=8000)
	@tools/setup.sh dev
	@mkdir -p var/dev
	@export TRYGG_DEBUG=1 TRYGG_DEMO=1 TRYGG_SECRET_KEY=development \
	    TRYGG_DATABASE_URL=sqlite:///var/dev/trygg.sqlite3 TRYGG_MEDIA=var/dev/media; \
	$(RUN)/trygg migrate -v 0 && exec $(RUN)/trygg runserver 127.0.0.1:$(PORT)

test: ## all tests, in parallel (K=word or IN=folder for a part, SLOW=1 for the long ones)
	@tools/setup.sh dev
	@tools/needs.sh chromium || true
	@$(RUN)/python -m pytest -n 2 --dist worksteal $(if $(K),-k "$(K)") \
	    $(if $(SLOW),,-m "not slow") -rs $(IN)

check: ## format, lint, types, layers, translations, documentation, dependency audit
	@tools/setup.sh dev
	@tools/needs.sh gettext
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	TRYGG_SECRET_KEY=check $(RUN)/mypy tryggstat trygg tools
	$(RUN)/lint-imports
	$(RUN)/python tools/check_messages.py
	$(RUN)/python tools/check_docs.py
	$(RUN)/python tools/audit.py

format: ## put all code into the house format
	@tools/setup.sh dev
	$(RUN)/ruff check --fix-only -q . ; $(RUN)/ruff format .

bench: ## ours against named peers, in one run each (ONLY=name for one)
	@tools/setup.sh dev
	@$(RUN)/python benchmarks/run.py $(ONLY)

messages: ## collect new texts for translation into each app's locale folder
	@tools/setup.sh dev
	@tools/needs.sh gettext
	$(RUN)/python tools/check_messages.py --write

policy: ## write docs/policy.txt anew from the access table, to be read before it is committed
	@tools/setup.sh dev
	$(RUN)/trygg spell_out_policy > docs/policy.txt

lock: ## make the lock files anew from pyproject.toml
	@tools/setup.sh dev
	tools/lock.sh

clean: ## remove the environment and everything made here
	rm -rf $(VENV) var reports
