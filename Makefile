# The commands of the README. Each sets up what it needs in .venv first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

# Where it's set, everything would be compiled again at the start of each process.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help sandbox setup start token test long lint check axe screenshots flood storm soak bench profile mutants wheel newest clean

help: ## show this
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F"|" '{ printf "make %-12s %s\n", $$1, $$2 }'

sandbox: .venv/run ## try the bot in a simulated Slack
	@$(BIN)/extauth sandbox

test: .venv/dev ## run the tests
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not (burst or fleet or flood or long or page or soak or storm)" \
	    $(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0)

long: .venv/dev ## run those with many processes, strangers, every order of events, or Chromium; after test, COVERAGE=1 reports branch coverage
	$(BIN)/python -m pytest -n auto --dist worksteal -m "fleet or long or page or storm" \
	    $(if $(COVERAGE),--cov --cov-append --cov-report=term:skip-covered)
	$(BIN)/python -m pytest -m "burst or flood" tests/scenarios

lint: .venv/dev ## style, types, and which way imports point
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/run ## set up .venv

start: .venv/run ## check the setup, then serve; writes EXTAUTH_SECRET_KEY into .env where there is none
	@test -e .env || cp .env.example .env
	@$(BIN)/extauth keys new --write
	@$(BIN)/extauth check || [ $$? -eq 3 ] # some problems don't keep Extauth from running
	@$(BIN)/extauth

token: .venv/run ## ask for a token, and say what Slack lets it do
	@$(BIN)/extauth check --token

check: .venv/run ## check a real setup
	@$(BIN)/extauth check

axe: .venv/dev ## bring axe-core, for the accessibility tests of the page
	npm install --prefix .venv/axe --no-save --silent axe-core@4

screenshots: .venv/dev ## write the README's pictures (needs Debian's chromium)
	$(BIN)/python -m tests.sandbox.page.screenshots

flood: .venv/dev ## send the bot 100,000 requests that aren't Slack's
	EXTAUTH_TEST_FLOOD=100000 $(BIN)/python -m pytest -m flood -s

storm: .venv/dev ## kill the bot at any moment, for a minute on each database
	EXTAUTH_TEST_STORM=60 $(BIN)/python -m pytest -m storm -s

soak: .venv/dev ## half an hour in which everything around the bot goes wrong; SECONDS=60 for a short one
	EXTAUTH_TEST_SOAK=$(or $(SECONDS),1800) $(BIN)/python -m pytest -m soak -s -o faulthandler_timeout=0

bench: .venv/dev ## measure it beside the least that does the same job
	$(BIN)/python -m tests.benchmarks

profile: .venv/dev ## show where its CPU goes under the same load
	$(BIN)/python -m tests.benchmarks.profiled

mutants: .venv/dev ## break the code on purpose, and list what no test notices
	EXTAUTH_TEST_POSTGRES_URL=postgresql://nobody@127.0.0.1:1/none $(BIN)/mutmut run --max-children 4
	$(BIN)/python -m tests.mutation_score

wheel: .venv/dev ## build the wheel and use it as installed, on the oldest and the newest Python here
	$(BIN)/python -m tests.installed_wheel

newest: .venv/dev ## run the tests that pin slack_sdk and Bolt against their newest releases
	@test -x .venv/newest/bin/python || $(PYTHON) -m venv .venv/newest
	.venv/newest/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	.venv/newest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps slack-bolt slack-sdk
	.venv/newest/bin/python -m pytest tests/slack tests/server

.venv/run: requirements.txt
	@echo "Setting up .venv, which takes a minute…"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/dev: .venv/run pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean: ## remove the setup
	rm -rf .venv
