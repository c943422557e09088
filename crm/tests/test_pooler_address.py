"""A direct address that leads to a pooler: the system check and the log name the remedy."""

from contextlib import contextmanager

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client

from crm.db.pooled import REMEDY

OTHER = "the database system is starting up"
REFUSALS = ["unsupported startup parameter: options", "unsupported startup parameter in options: lock_timeout"]


@pytest.fixture
def refusing(db, monkeypatch):
    """Within the block every connection fails for this reason."""

    @contextmanager
    def refusing(reason: str):
        def refuse(*args):
            raise OperationalError(f'connection to server at "db", port 6432 failed: FATAL:  {reason}')

        with monkeypatch.context() as patch, connection.execute_wrapper(refuse):
            patch.setattr(connection, "ensure_connection", refuse)
            yield

    return refusing


@pytest.mark.parametrize(("reason", "hints"), [*((reason, [REMEDY]) for reason in REFUSALS), (OTHER, [])])
def test_the_system_check_names_the_remedy_alone(refusing, reason, hints):
    with refusing(reason):
        assert [error.hint for error in run_checks(tags=[Tags.database], databases=["default"])] == hints


def test_serve_does_not_start_on_a_pooler_addressed_as_a_server(refusing):
    with refusing(REFUSALS[0]), pytest.raises(CommandError, match="disable_server_side_cursors=true"):
        call_command("serve")


@pytest.mark.parametrize("path", ["/readyz", "/lead/restaurants/"])
@pytest.mark.parametrize(("reason", "is_reported"), [*((reason, True) for reason in REFUSALS), (OTHER, False)])
def test_a_server_that_runs_already_logs_the_remedy(refusing, api, caplog, path, reason, is_reported):
    with refusing(reason):
        assert (Client() if path == "/readyz" else api).get(path).status_code == 503
    assert (REMEDY in caplog.text) is is_reported
