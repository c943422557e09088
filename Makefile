# Everything is installed into .venv; only Python 3.11 or newer has to be there before.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test check format coverage lock audit schema postman feed-test api-test northwind pooler-test e2e trials messages icons bench bench-sqlite clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/installed  ## migrate, load demo data on the first run, serve on http://127.0.0.1:8000/
	@exec $(BIN)/python manage.py serve

test: .venv/installed  ## the whole test suite, on SQLite or on DATABASE_URL
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/installed-dev  ## format, lint, types, imports, production settings, migrations, OpenAPI description
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy lead contact track call crm backoffice
	$(BIN)/lint-imports
	DEBUG=0 HTTPS=1 ALLOWED_HOSTS=crm.example.com $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

format: .venv/installed-dev  ## format the code, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: .venv/installed-dev  ## the suite once more, with the lines and branches that it reaches (SQLite or DATABASE_URL)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

lock: .venv/installed-tools  ## write requirements.lock: what is deployed, with hashes
	@deploy/lock

audit: .venv/installed-tools  ## look for known vulnerabilities in requirements.lock (needs the network)
	@.venv/tools/bin/python deploy/audit.py

schema: .venv/installed  ## write docs/openapi.yaml, the OpenAPI description
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

postman: .venv/installed  ## run the Postman collection under newman (needs Node)
	postman/run

feed-test: .venv/installed  ## read the calendar feed and the address book with ical.js (needs Node)
	$(BIN)/python -m crm.tests.server .ci/feed

api-test: .venv/installed .venv/installed-api  ## a generated client, and schemathesis, against the OpenAPI description
	$(BIN)/python -m crm.tests.server .venv/api/bin/python .ci/client.py
	$(BIN)/python -m crm.tests.server .venv/api/bin/python .ci/fuzz.py

northwind: .venv/installed  ## hold the health of Northwind's accounts against an oracle (needs its CSV files in NORTHWIND)
	NORTHWIND=$${NORTHWIND:-../shared/data/northwind} $(BIN)/python -m crm.tests.server $(BIN)/python .ci/northwind.py

pooler-test: .venv/installed  ## drive the API behind a real PgBouncer, on DATABASE_URL (needs pgbouncer)
	$(BIN)/pytest -c trials/pooler/pytest.ini trials/pooler

e2e: .venv/installed-e2e  ## drive the admin in a real browser (needs chromium)
	$(BIN)/pytest -c e2e/pytest.ini $(or $(E2E),e2e)

trials: .venv/installed  ## slow clients, reloads, a real nginx, backups under load, migrations, move_to (needs nginx, and sqlite3 or pg_dump)
	$(BIN)/pytest trials --ignore trials/pooler

messages: .venv/installed  ## collect the texts for translation, and compile them (needs gettext)
	$(BIN)/python manage.py makemessages --locale de --no-wrap --add-location file --ignore '.*' --ignore 'tests' \
		--ignore bench --ignore e2e --ignore trials --ignore postman --ignore conftest.py
	$(BIN)/python manage.py compilemessages --locale de --ignore '.*'

icons: .venv/installed-e2e  ## draw the icons of the installed page from crm/static/crm/icon.svg (needs chromium)
	$(BIN)/python .ci/icons.py

bench: .venv/installed-bench  ## measure beside a vanilla twin, on PostgreSQL (needs wrk; bench/README.md)
	$(BIN)/python bench/run.py

bench-sqlite: .venv/installed-bench  ## the same on SQLite
	$(BIN)/python bench/run.py --sqlite

clean:  ## remove .venv and the tools' caches; databases stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -prune -exec rm -rf {} +

# These files are stamps: their recipes run again only when the requirements have changed.
.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@echo "Installing into .venv, only once ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv/installed-bench: bench/requirements.txt .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

.venv/installed-e2e: e2e/requirements.txt .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r e2e/requirements.txt
	@touch $@

# Environments of their own: these tools need other versions of the project's packages.
.venv/installed-tools: deploy/requirements.txt .venv/installed
	@$(PYTHON) -m venv .venv/tools
	@.venv/tools/bin/python -m pip install --quiet --disable-pip-version-check -r deploy/requirements.txt
	@touch $@

.venv/installed-api: .ci/requirements.txt .venv/installed
	@$(PYTHON) -m venv .venv/api
	@.venv/api/bin/python -m pip install --quiet --disable-pip-version-check -r .ci/requirements.txt
	@touch $@
