# The commands of the README. Each sets up what it needs in .venv first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: sandbox test lint check axe screenshots clean

sandbox: .venv/run ## try the bot in a simulated Slack
	@$(BIN)/python -m bot sandbox

test: .venv/dev ## run every test
	$(BIN)/python -m pytest -n auto -m "not burst"
	$(BIN)/python -m pytest -m burst

lint: .venv/dev ## style, types, and which way imports point
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: .venv/run ## look at a real set-up
	@$(BIN)/python -m bot check

axe: .venv/dev ## bring axe-core, for the accessibility tests of the page
	npm install --prefix .venv/axe --no-save --silent axe-core@4

screenshots: .venv/dev ## write the README's pictures (needs Debian's chromium)
	$(BIN)/python -m tests.sandbox.page.screenshots

.venv/run: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: .venv/run pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean: ## forget the set-up
	rm -rf .venv
