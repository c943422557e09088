"""The one module that reads the clock, and what a day is in a time zone.

Instants are aware datetimes in UTC. A day is a local date in a named zone; it starts at its first instant, which is not
always 00:00 (a clock may be put forward at midnight).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone

ZONES = frozenset(available_timezones())

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def zone(name: str) -> ZoneInfo:
    """The zone of that name in the IANA database. Raises ValueError for one that is none."""
    if name not in ZONES:
        raise ValueError(f"{name!r} is no time zone; expected one such as Asia/Kolkata")
    return ZoneInfo(name)


def now() -> datetime:
    """This instant, in UTC; within `frozen`, its moment."""
    return _frozen.get() or timezone.now()


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Stops the clock of this thread at `moment`, to write data by the verbs as if it had happened then (demo data)."""
    token = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(token)


def server_zone() -> ZoneInfo:
    """The zone of the setting TIME_ZONE (UTC unless configured)."""
    return ZoneInfo(timezone.get_default_timezone_name())


def today(zone: ZoneInfo) -> date:
    """The date that it is now in `zone`."""
    return now().astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the local `day`, in UTC.

    Where midnight is skipped, `fold=0` uses the offset before the change, which is the instant of the change
    itself; where it comes twice, the first one (PEP 495).
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def bounds_of_day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open interval [first instant of `day`, first instant of the next day), in UTC."""
    return start_of_day(day, zone), start_of_day(day + timedelta(days=1), zone)
