"""Copy the whole database to an empty one, for example from the SQLite file of the first weeks to PostgreSQL.

Stop the server first: what is written after the start is not copied. The target's tables are created, then all rows of
all tables are copied in one transaction, as they are: ids, timestamps, search columns, sessions, secrets' digests. A
stop or an error leaves the target without data; the source is only read.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, reset_queries, transaction
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.db.migrations.executor import MigrationExecutor
from django.db.models.sql import InsertQuery

from backoffice.accounts.roles import ROLES
from crm import env
from crm.db.pooled import remedy
from crm.progress import Progress

SOURCE, TARGET = "source", "target"
BATCH = 1_000  # rows
BATCH_OF_FILES = 20  # rows with a binary column, each up to MAX_BODY long

Table = type[models.Model]

# The tables that `migrate` fills. The source's rows take their place, with the ids that other tables refer to.
FILLED_BY_MIGRATE: list[Table] = [ContentType, Permission, Group, Group.permissions.through]

# What lets all reads of a transaction see one state, and on SQLite lets others write meanwhile.
SNAPSHOT = {
    "sqlite": {"transaction_mode": "DEFERRED"},
    "postgresql": {"isolation_level": IsolationLevel.REPEATABLE_READ},
}

# The last id that a table has given, also to a row that is gone: ids are not used twice.
LAST_ID = {
    "sqlite": "SELECT max(seq) FROM sqlite_sequence WHERE name = %(table)s",
    "postgresql": "SELECT pg_sequence_last_value(pg_get_serial_sequence(%(table)s, %(column)s))",
}
SET_LAST_ID = {
    "sqlite": [
        "DELETE FROM sqlite_sequence WHERE name = %(table)s",
        "INSERT INTO sqlite_sequence (name, seq) VALUES (%(table)s, %(last)s)",
    ],
    "postgresql": ["SELECT setval(pg_get_serial_sequence(%(table)s, %(column)s), %(last)s)"],
}


class Command(BaseCommand):
    """Django knows how each field is stored in both databases, so rows go from one to the other in batches.

    Not by dumpdata and loaddata: loaddata holds the file in memory, writes row by row and sends signals, and conflicts
    with the content types and groups that `migrate` creates. Not by pgloader: it derives types from SQLite's, which
    has no booleans, instants or JSON.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("database_url", metavar="DATABASE_URL", help="of an empty database, as in the environment")

    def handle(self, *, database_url: str, **options: Any) -> None:
        source = connections[DEFAULT_DB_ALIAS].settings_dict
        target = parsed(database_url)
        if identity(source) == identity(target):
            raise CommandError("DATABASE_URL is the present database. Nothing was moved.")
        snapshot = SNAPSHOT[connections[DEFAULT_DB_ALIAS].vendor]
        with connected(SOURCE, {**source, "OPTIONS": source["OPTIONS"] | snapshot}), connected(TARGET, target):
            try:
                self.prepare()
                with transaction.atomic(SOURCE), transaction.atomic(TARGET):
                    counts = self.copy()
            except KeyboardInterrupt:
                raise CommandError("Stopped. Nothing was moved; the target has no data.", returncode=130) from None
            except DatabaseError as error:
                raise CommandError(f"{first_line(error)}. Nothing was moved; the target has no data.") from error
            if connections[TARGET].vendor == "postgresql":  # fresh statistics now, not when autovacuum comes by
                with connections[TARGET].cursor() as cursor:
                    cursor.execute("ANALYZE")
        self.stdout.write(
            f"Moved {sum(counts.values()):,} rows of {len(counts)} tables; the numbers of rows agree.\n"
            "Now set DATABASE_URL to the new address, leave SECRET_KEY (or .secret_key) as it is, and start the server."
        )

    def prepare(self) -> None:
        """The target gets its tables. Raises CommandError where the source has too few or the target has data."""
        executor = MigrationExecutor(connections[SOURCE])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The present database is not up to date: run manage.py migrate first.")
        refuse_data()
        call_command("migrate", database=TARGET, interactive=False, verbosity=0)

    def copy(self) -> dict[Table, int]:
        """Returns the numbers of rows. Raises CommandError where a row does not fit or the numbers differ."""
        refuse_data()
        counts = {table: rows_of(table, SOURCE).count() for table in tables()}
        with connections[TARGET].cursor() as cursor:
            for table in FILLED_BY_MIGRATE:
                cursor.execute(f"DELETE FROM {connections[TARGET].ops.quote_name(table._meta.db_table)}")
        with Progress(sum(counts.values()), "rows", sys.stderr) as progress:
            for table in counts:
                try:
                    for rows in batches(table):
                        insert(table, rows)
                        progress.advance(len(rows))
                        reset_queries()  # which DEBUG collects
                except (DatabaseError, ValueError) as error:
                    raise CommandError(f"{table._meta.db_table}: {first_line(error)}. Nothing was moved.") from error
        connections[TARGET].check_constraints()
        for table, count in counts.items():
            if (copied := rows_of(table, TARGET).count()) != count:
                raise CommandError(f"{table._meta.db_table}: {copied:,} of {count:,} rows. Nothing was moved.")
        set_sequences(list(counts))
        return counts


def parsed(url: str) -> dict[str, Any]:
    try:
        return env.with_options(env.database(url), fast=False)
    except (ValueError, LookupError) as error:  # as in env.read: the URL may have a password
        raise CommandError(f"DATABASE_URL is invalid: {error}.") from None


def identity(config: dict[str, Any]) -> tuple:
    """Equal for equal addresses. Other addresses of one database are found out by the data that it has."""
    if config["ENGINE"].endswith("sqlite3"):
        return (Path(config["NAME"]).resolve(),)
    return config["NAME"], config.get("HOST"), str(config.get("PORT"))


@contextmanager
def connected(alias: str, config: dict[str, Any]) -> Iterator[None]:
    """A database under this alias until the block ends. Raises CommandError where it does not answer."""
    default = {DEFAULT_DB_ALIAS: connections.settings[DEFAULT_DB_ALIAS]}
    connections.settings[alias] = connections.configure_settings(default | {alias: config})[alias]
    try:
        try:
            connections[alias].ensure_connection()
        except DatabaseError as error:
            raise CommandError(f"The {alias} does not answer: {remedy(error) or first_line(error)}.") from error
        yield
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


def tables() -> list[Table]:
    """All of ours, Django's and other apps'."""
    return [table for table in apps.get_models(include_auto_created=True) if table._meta.can_migrate(TARGET)]


def rows_of(table: Table, alias: str) -> models.QuerySet:
    """All rows, including those that the table's managers filter out."""
    return models.QuerySet(table, using=alias)


def refuse_data() -> None:
    """Raises CommandError where the target has rows, beside those that `migrate` makes; it may have no tables yet."""
    existing = set(connections[TARGET].introspection.table_names())
    for table in tables():
        if table._meta.db_table not in existing or table in FILLED_BY_MIGRATE:
            continue
        with connections[TARGET].cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {connections[TARGET].ops.quote_name(table._meta.db_table)} LIMIT 1")
            if cursor.fetchone():
                raise CommandError(f"The target is not empty: {table._meta.db_table} has rows. Nothing was moved.")
    if Group._meta.db_table in existing and rows_of(Group, TARGET).exclude(name__in=ROLES).exists():
        raise CommandError("The target is not empty: it has groups of its own. Nothing was moved.")


def columns_of(table: Table) -> list[models.Field]:
    return [field for field in table._meta.concrete_fields if not field.generated]


def batches(table: Table) -> Iterator[list[Any]]:
    """The source's rows, by attribute names, in the order of their keys; only one batch is in memory."""
    columns = columns_of(table)
    has_files = any(isinstance(field, models.BinaryField) for field in columns)
    size = BATCH_OF_FILES if has_files else BATCH
    limit = connections[TARGET].ops.bulk_batch_size(columns, [None] * size)
    rows = rows_of(table, SOURCE).order_by("pk").values_list(*(field.attname for field in columns), named=True)
    batch = list(rows[: min(size, limit)])
    while batch:
        yield batch
        last = getattr(batch[-1], table._meta.pk.attname)
        batch = list(rows.filter(pk__gt=last)[: min(size, limit)])


def insert(table: Table, rows: list[Any]) -> None:
    """Raw: no signals, and no field computes its value."""
    query = InsertQuery(table)
    query.insert_values(columns_of(table), rows, raw=True)
    query.get_compiler(TARGET).execute_sql()


def set_sequences(moved: list[Table]) -> None:
    """The next ids follow those that the source has given."""
    with connections[TARGET].cursor() as cursor, connections[SOURCE].cursor() as source:
        for sql in connections[TARGET].ops.sequence_reset_sql(no_style(), moved):
            cursor.execute(sql)
        for table in moved:
            if isinstance(table._meta.pk, models.AutoField):
                names = {"table": table._meta.db_table, "column": table._meta.pk.column}
                source.execute(LAST_ID[connections[SOURCE].vendor], names)
                cursor.execute(LAST_ID[connections[TARGET].vendor], names)
                [last], [present] = source.fetchone(), cursor.fetchone()
                if (last or 0) > (present or 0):
                    for sql in SET_LAST_ID[connections[TARGET].vendor]:
                        cursor.execute(sql, names | {"last": last})


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
