"""The one module that reads the clock, and what a day is in a time zone.

Instants are aware datetimes in UTC. A day is a local date in a named zone; it lasts from its first instant, which is
not always 00:00 (a clock may be put forward at midnight), to the next day's.
"""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone

ZONES = frozenset(available_timezones())
DAY = timedelta(days=1)
MIDNIGHT, SECOND_MIDNIGHT = time(), time(fold=1)

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
    return day_of(now(), zone)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the local `day`, in UTC.

    Where midnight comes twice, the first one; where it is skipped, the change of the clocks.
    """
    first = datetime.combine(day, MIDNIGHT, zone).astimezone(UTC)
    second = datetime.combine(day, SECOND_MIDNIGHT, zone).astimezone(UTC)
    if first <= second:
        return first
    # In a gap, fold=1 is the offset after the change and gives the earlier instant (PEP 495).
    seconds = range(int((first - second).total_seconds()))
    change = bisect_left(seconds, day, key=lambda each: (second + timedelta(seconds=each)).astimezone(zone).date())
    return second + timedelta(seconds=change)


def bounds_of_day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open interval [first instant of `day`, first instant of the next day), in UTC."""
    return start_of_day(day, zone), start_of_day(day + DAY, zone)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The local day in whose `bounds_of_day` the aware `moment` lies.

    The date that the clock shows; but where the clock goes back over midnight, a day that has begun goes on.
    """
    shown = moment.astimezone(zone).date()
    following = shown + DAY
    return following if start_of_day(following, zone) <= moment else shown


def day_shown(moment: datetime) -> date:
    """The date that the clock shows at `moment` in the active zone: that of a page's viewer, else the server's."""
    return moment.astimezone(timezone.get_current_timezone()).date()


def is_start_of_day(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the aware `moment` is the first instant of its local day."""
    return moment == start_of_day(moment.astimezone(zone).date(), zone)
