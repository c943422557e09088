"""Migrate, load demo data on the first run, and serve until stopped: all of `make run` in one process."""

import logging
import sys

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from gunicorn.app import wsgiapp as gunicorn

from backoffice.management.commands import demo
from crm import env
from crm.env import read

LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options) -> None:
        self.check(tags=[Tags.database], databases=[connection.alias])
        self.prepare(options["verbosity"])
        connection.close()
        logging.getLogger("gunicorn.error").handlers.clear()  # gunicorn brings one
        # In this process, whose workers then have nothing left to import.
        sys.argv[1:] = ["-c", str(settings.BASE_DIR / "crm" / "server" / "gunicorn.py"), "crm.wsgi"]
        gunicorn.run()

    def prepare(self, verbosity: int = 1) -> None:
        host, port = read("HOST", "127.0.0.1", str), read("PORT", 8000, env.count)
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=verbosity)
        if not get_user_model().objects.exists() and read("DEMO", True, env.flag):
            self.load_demo_data(host)
        self.stdout.write(f"Serving http://{host}:{port}/ (the admin at /admin/). {self.sign_in_hint()}")
        self.stdout.write("Stop with Ctrl-C.")
        self.stdout.flush()

    def load_demo_data(self, host: str) -> None:
        if host not in LOOPBACK:
            self.stdout.write("No demo data: its passwords are well known, and others can reach this server.")
        elif reason := demo.refusal():
            self.stdout.write(f"No demo data: {reason}")
        else:
            call_command("demo", stdout=self.stdout)

    def sign_in_hint(self) -> str:
        users = get_user_model().objects.in_bulk(["demo", "admin"], field_name="username")
        if "demo" in users and check_password("demo", users["demo"].password):
            return "Sign in as demo / demo, in the admin as admin / admin."
        if not get_user_model().objects.exists():
            return "There is no user yet: make one with manage.py createsuperuser."
        return "Sign in with your user."
