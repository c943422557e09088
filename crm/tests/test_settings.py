"""The environment is read strictly: an invalid value stops the start and names its variable."""

import os
import runpy
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from crm import env

SETTINGS = Path(__file__).resolve().parent.parent / "settings.py"
KEY = "k" * 32


@pytest.fixture
def start(monkeypatch):
    """Reads the settings file again, in an environment of a secret key and the given variables alone."""
    monkeypatch.setattr(Env, "read_env", lambda *args, **kwargs: None)

    def start(**variables: str) -> dict:
        with monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in {"SECRET_KEY": KEY, **variables}.items():
                patch.setenv(name, value)
            return runpy.run_path(str(SETTINGS))

    return start


BAD = {
    "SECRET_KEY": ["too short", "k" * 31],
    "DEBUG": ["maybe", "2", "tru"],
    "HTTPS": ["https"],
    "THROTTLE": ["-1"],
    "REQUIRE_SECOND_FACTOR": ["all"],
    "LOG_JSON": ["json"],
    "STALE_DAYS": ["NEW", "NEW=", "NEW=-1", "NEW=x", "NEW=3651"],
    "ROTATE_REFRESH_TOKENS": ["perhaps"],
    "TIME_ZONE": ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", "é"],
    "LANGUAGE_CODE": ["fr", "en-us", "deutsch", "é"],
    "CURRENCY": ["EURO", "€", "XXX", "XAU", "E", "12"],
    "PHONE_REGION": ["IND", "91", "XX", "é"],
    "DATABASE_URL": [
        *("nonsense", "mysql://root@127.0.0.1/crm", "postgres://", "postgres://u:canary/1@h/n", "://"),
        "postgres://u:p@h/n?disable_server_side_cursors=perhaps",
    ],
    "REDIS_URL": ["http://127.0.0.1:6379", "localhost"],
    "EMAIL_URL": ["nonsense", "http://mail.example.com"],
    "MAX_BODY": ["0", "-1", "1e6", "2.5MB", "٣"],
    "RATE_LIMIT": ["0", "many"],
    "ACCESS_TOKEN_MINUTES": ["0", "1.5", "9" * 30],
    "REFRESH_TOKEN_DAYS": ["-14", "9" * 30],
    "TRUSTED_PROXIES": ["10.0.0.0/33", "proxy.example.com", "10.0.0.1/8"],
    "CSRF_TRUSTED_ORIGINS": ["crm.example.com", "ftp://crm.example.com"],
    "CORS_ALLOWED_ORIGINS": ["*", "https://a.example.com, b.example.com"],
}


def test_the_region_of_phones_is_a_country_or_none(start):
    assert [start(PHONE_REGION=value)["PHONE_REGION"] for value in ("", "IN", "in")] == ["", "IN", "IN"]


def test_the_currency_is_one_of_iso_4217_or_none(start):
    assert [start(CURRENCY=value)["CURRENCY"] for value in ("", "INR", "eur")] == ["", "INR", "EUR"]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_an_invalid_value_stops_the_start_and_is_named(start, name, value):
    with pytest.raises(ImproperlyConfigured) as stopped:
        start(**{name: value})

    assert name in str(stopped.value)
    assert "canary" not in str(stopped.value)


@pytest.mark.parametrize("name", BAD)
def test_an_empty_variable_is_an_unset_one(start, name, monkeypatch):
    monkeypatch.setattr(env, "stored_secret_key", lambda path: KEY)
    variables = {"SECRET_KEY": ""} if name == "SECRET_KEY" else {}

    with_it, without = start(**{name: "  "}), start(**variables)

    upper = [key for key in without if key.isupper()]
    assert {key: with_it[key] for key in upper} == {key: without[key] for key in upper}


def test_the_defaults_allow_no_access_from_outside(start):
    settings = start()

    assert settings["DEBUG"] is False
    assert settings["THROTTLE"] is True
    assert settings["REQUIRE_SECOND_FACTOR"] is False
    assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert settings["CORS_ALLOWED_ORIGINS"] == settings["TRUSTED_PROXIES"] == []
    assert settings["TIME_ZONE"] == "UTC"
    assert settings["SIMPLE_JWT"]["ACCESS_TOKEN_LIFETIME"] == timedelta(minutes=60)
    assert settings["SIMPLE_JWT"]["REFRESH_TOKEN_LIFETIME"] == timedelta(days=14)


@pytest.mark.parametrize(("raw", "is_on"), [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("off", False)])
def test_https_is_one_switch(start, raw, is_on):
    settings = start(HTTPS=raw)

    for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        assert settings[name] is is_on
    assert bool(settings["SECURE_HSTS_SECONDS"]) is is_on


def test_a_list_is_separated_by_commas(start):
    settings = start(ALLOWED_HOSTS="crm.example.com, 10.0.0.5,", TRUSTED_PROXIES="10.0.0.0/8, ::1")

    assert settings["ALLOWED_HOSTS"] == ["crm.example.com", "10.0.0.5"]
    assert settings["TRUSTED_PROXIES"] == ["10.0.0.0/8", "::1/128"]


def test_days_that_are_left_out_keep_their_default(start):
    default = start()["STALE_DAYS"]
    assert start(STALE_DAYS="NEW=7, CONTACTED=0")["STALE_DAYS"] == {**default, "NEW": 7, "CONTACTED": 0}


def test_sqlite_takes_its_write_lock_first_and_waits_for_it(start):
    database = start()["DATABASES"]["default"]

    assert (database["ENGINE"], Path(database["NAME"]).name) == ("django.db.backends.sqlite3", "db.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] >= 5
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


def test_connections_to_postgresql_are_persistent_and_checked(start):
    database = start(DATABASE_URL="postgres://crm:secret@db.example.com:5433/crm")["DATABASES"]["default"]

    assert [database[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        *("crm", "secret", "db.example.com", 5433, "crm")
    ]
    assert database["CONN_MAX_AGE"] > 0
    assert database["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize(
    ("query", "is_pooled"),
    [("", False), ("?disable_server_side_cursors=", False)]
    + [(f"?disable_server_side_cursors={text}", True) for text in ("1", "true", "True", "yes", "on")]
    + [(f"?disable_server_side_cursors={text}", False) for text in ("0", "false", "False", "no", "off")],
)
def test_behind_a_pooler_the_url_says_so(start, query, is_pooled):
    database = start(DATABASE_URL=f"postgres://crm:secret@db.example.com/crm{query}")["DATABASES"]["default"]

    assert bool(database.get("DISABLE_SERVER_SIDE_CURSORS")) is is_pooled
    assert (database["ENGINE"] == "crm.db.pooled") is is_pooled


@pytest.mark.parametrize(
    ("query", "name", "limit"),
    [("", "options", "-c lock_timeout=10s"), ("?disable_server_side_cursors=true", "lock_timeout", "10s")],
)
def test_lock_waits_are_limited_and_a_pooler_gets_no_options(start, query, name, limit):
    options = start(DATABASE_URL=f"postgres://crm:secret@db.example.com/crm{query}")["DATABASES"]["default"]["OPTIONS"]

    assert options == {"connect_timeout": 5, name: limit}


# --- The secret key -------------------------------------------------------------------------------


def test_the_secret_key_is_generated_once_and_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / ".secret_key"

    key = env.stored_secret_key(path)

    assert len(key.encode()) >= 32
    assert env.stored_secret_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_two_keys_are_never_the_same(tmp_path):
    assert env.stored_secret_key(tmp_path / "a") != env.stored_secret_key(tmp_path / "b")


def test_processes_that_start_at_once_share_one_key(tmp_path, monkeypatch):
    path = tmp_path / ".secret_key"
    link = os.link

    def be_late(draft, target):
        path.write_text("r" * 64)  # the rival's
        link(draft, target)

    monkeypatch.setattr(os, "link", be_late)

    assert env.stored_secret_key(path) == "r" * 64
    assert list(tmp_path.iterdir()) == [path]


def test_a_truncated_key_file_is_not_used(tmp_path):
    path = tmp_path / ".secret_key"
    path.write_text("short")

    with pytest.raises(ValueError, match="32 bytes"):
        env.stored_secret_key(path)


def test_the_key_file_is_ignored_by_git():
    ignored = (SETTINGS.parent.parent / ".gitignore").read_text().split()

    assert {".secret_key", ".env"} <= set(ignored)
