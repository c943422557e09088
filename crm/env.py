"""Environment variables, parsed strictly: an invalid value stops the start and is named."""

import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from phonenumbers import SUPPORTED_REGIONS

from crm.dates import zone

T = TypeVar("T")

LANGUAGES = {"en": "English", "de": "Deutsch"}  # of the pages; the API is in English
LONGEST = timedelta(days=3_650)
# ISO 4217, list one: the codes of money in use, without those of funds, metals and tests.
CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""
SECRET_BYTES = 32  # RFC 7518, section 3.2: an HS256 key has at least 256 bits

_env = Env()


def read(name: str, default: T, parse: Callable[[str], T]) -> T:
    """The variable as `parse` reads it; unset or empty gives the default.

    Raises ImproperlyConfigured, naming the variable, where `parse` raises ValueError.
    """
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        return parse(raw)
    except (ValueError, LookupError) as error:  # the value stays out of the message: it may be a secret
        raise ImproperlyConfigured(f"The environment variable {name} is invalid: {error}.") from None


def flag(raw: str) -> bool:
    """1/0, true/false, yes/no, on/off; anything else is an error, not False."""
    known = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if raw.lower() not in known:
        raise ValueError("expected 1 or 0")
    return known[raw.lower()]


def count(raw: str) -> int:
    """A whole number of at least 1."""
    if not raw.isascii() or not raw.isdigit() or int(raw) < 1:
        raise ValueError("expected a whole number of at least 1")
    return int(raw)


def threads() -> int:
    """Of each server process, by THREADS: for gunicorn, and for the permits of crm.api.streaming."""
    return read("THREADS", 2, count)


def minutes(raw: str) -> timedelta:
    """A whole number of minutes, up to LONGEST."""
    return _lifetime(raw, timedelta(minutes=1))


def days(raw: str) -> timedelta:
    """A whole number of days, up to LONGEST."""
    return _lifetime(raw, timedelta(days=1))


def _lifetime(raw: str, unit: timedelta) -> timedelta:
    if count(raw) > LONGEST // unit:
        raise ValueError(f"expected at most {LONGEST // unit:,}")
    return count(raw) * unit


def words(raw: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in raw.split(",") if word.strip()]


def access(raw: str) -> str:
    """Whose leads a user sees."""
    if raw not in ("all", "team", "own"):
        raise ValueError("expected all, team or own")
    return raw


def numbers(raw: str) -> dict[str, int]:
    """A comma-separated list of names with whole numbers of days, at most LONGEST: NEW=14,CONTACTED=0."""
    found = {}
    for word in words(raw):
        name, _, number = word.partition("=")
        if not number.isascii() or not number.isdigit() or int(number) > LONGEST.days:
            raise ValueError(f"expected names with numbers of days up to {LONGEST.days:,}, such as NEW=14")
        found[name.strip()] = int(number)
    return found


def networks(raw: str) -> list[str]:
    """A comma-separated list of addresses or CIDR networks."""
    return [str(ip_network(word)) for word in words(raw)]


def origins(raw: str) -> list[str]:
    """A comma-separated list of origins, each with its scheme: https://crm.example.com."""
    for origin in words(raw):
        if not origin.startswith(("http://", "https://")):
            raise ValueError(f"{origin!r} needs http:// or https:// before the host")
    return words(raw)


def time_zone(raw: str) -> str:
    """A name of the IANA time zone database."""
    return zone(raw).key


def region(raw: str) -> str:
    """A country with phone numbers of its own, by its ISO 3166-1 code: IN."""
    if raw.upper() not in SUPPORTED_REGIONS:
        raise ValueError("expected the two letters of a country, as IN")
    return raw.upper()


def currency(raw: str) -> str:
    """A currency in use, by its ISO 4217 code: EUR."""
    if raw.upper() not in CURRENCIES.split():
        raise ValueError("expected the three letters of a currency in use (ISO 4217), as EUR")
    return raw.upper()


def language(raw: str) -> str:
    """A language of the pages: en or de."""
    if raw.lower() not in LANGUAGES:
        raise ValueError(f"expected {' or '.join(LANGUAGES)}")
    return raw.lower()


def database(raw: str) -> dict:
    """A database URL: sqlite:///path or postgres://user:password@host:port/name."""
    expected = "expected sqlite:///path or postgres://user:password@host:port/name, special characters as %23"
    if not raw.startswith(("sqlite:///", "postgres://", "postgresql://")):
        raise ValueError(expected)
    try:
        config = dict(_env.db_url_config(raw))
    except ValueError:  # it quotes what it takes for the port: with a "/" in the password, that
        raise ValueError(expected) from None
    if not config["NAME"]:
        raise ValueError("the database has no name")
    if pooled := config.get("DISABLE_SERVER_SIDE_CURSORS"):
        config["DISABLE_SERVER_SIDE_CURSORS"] = flag(str(pooled))
    return config


def with_options(config: dict, *, fast: bool) -> dict:
    """A database as Django's DATABASES has it: what `database` returned, and how we connect to it.

    SQLite: a transaction takes the write lock when it starts, so that it never fails half-way to get it; WAL lets
    readers go on meanwhile. Commits are synced to disk (SQLite's default, FULL). `fast`: on PostgreSQL by crm.fast.
    """
    config = {**config, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    if config["ENGINE"].endswith("sqlite3"):
        return config | {
            "TEST": {"NAME": ":memory:"},  # as is Django's own backend's
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL",
            },
        }
    if config.get("DISABLE_SERVER_SIDE_CURSORS"):  # behind a pooler, which takes no `options`
        engine, limit = "crm.db.pooled", {"lock_timeout": "10s"}
    else:
        engine, limit = "crm.fast.postgresql" if fast else config["ENGINE"], {"options": "-c lock_timeout=10s"}
    return config | {"ENGINE": engine, "OPTIONS": {"connect_timeout": 5, **limit, **config.get("OPTIONS", {})}}


def email(raw: str) -> dict:
    """How mail leaves: smtp://user:password@host:port, smtp+tls://…, or consolemail:// to print it."""
    try:
        return dict(_env.email_url_config(raw))
    except ImproperlyConfigured as error:
        raise ValueError("expected smtp+tls://user:password@host:port") from error


def redis_url(raw: str) -> str:
    """redis://, rediss:// (TLS) or unix://."""
    if not raw.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("expected redis://host:port/number")
    return raw


def secret_key(raw: str) -> str:
    """A signing key of at least 32 bytes."""
    if len(raw.encode()) < SECRET_BYTES:
        raise ValueError(f"a secret key has at least {SECRET_BYTES} bytes")
    return raw


def stored_secret_key(path: Path) -> str:
    """The key stored in `path`, created there on the first start, readable by its owner alone.

    Processes that start at once agree on one key: it is written aside and linked into place, and the first link wins.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return secret_key(path.read_text().strip())
