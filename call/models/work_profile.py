"""When and where a user works, and the calendars that plans are computed on."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext, gettext_lazy

from call.recurrence import EVERY_DAY, WorkCalendar
from call.signals import work_profile_changed
from crm import dates
from crm.db.models import TimestampedModel
from crm.fast.compiled import CompiledQuery
from lead.models import Restaurant

MAX_LEAVES = 100
MISSING_REGION = gettext_lazy(
    "No region is chosen: only the public holidays that all of {country} has are days off. Its regions are {regions}."
)

# A profile's fields that make its calendar, in the order of `calendar_from`.
CALENDAR_FIELDS = ["time_zone", "working_days", "country", "region", "leave"]


def every_day() -> list[int]:
    return sorted(EVERY_DAY)


def server_zone_name() -> str:
    return dates.server_zone().key


def validate_zone(name: str) -> None:
    """Raises ValidationError unless `name` is in the IANA time zone database."""
    try:
        dates.zone(name)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def validate_working_days(days: Any) -> None:
    """Raises ValidationError unless `days` are distinct ISO weekdays, at least one."""
    whole = isinstance(days, list) and all(type(day) is int and 1 <= day <= 7 for day in days)
    if not whole or not days or len(set(days)) < len(days):
        raise ValidationError(gettext("Give at least one ISO weekday: 1 is Monday, 7 is Sunday, each once."))


def day_of(text: str) -> date:
    """Raises ValueError unless `text` is as 2026-12-24: `fromisoformat` takes weeks, too."""
    if len(text) != 10 or "W" in text:
        raise ValueError
    return date.fromisoformat(text)


def validate_leave(leave: Any) -> None:
    """Raises ValidationError unless `leave` is a list of {"from", "to"}, ISO dates, both inclusive."""
    try:
        if not isinstance(leave, list):
            raise TypeError
        periods = [(day_of(period["from"]), day_of(period["to"])) for period in leave]
    except (TypeError, KeyError, ValueError) as error:
        raise ValidationError(gettext('Give a list of {"from": "2026-12-24", "to": "2026-12-31"}.')) from error
    if len(periods) > MAX_LEAVES:
        raise ValidationError(gettext("Give at most %(count)s periods.") % {"count": MAX_LEAVES})
    for first, last in periods:
        if first > last or first.year < 2000 or last.year > 2100:
            raise ValidationError(gettext("A leave ends on or after the day it starts, between 2000 and 2100."))


def supported_countries() -> dict[str, list[str]]:
    """The countries whose public holidays are known, each with its regions."""
    import holidays  # 11 MB: imported only where it is used

    return holidays.list_supported_countries()


def validate_country(country: str, region: str) -> None:
    """Raises ValidationError, naming the field, for a country or region whose public holidays are not known."""
    if country and country not in supported_countries():
        raise ValidationError(
            {"country": [gettext("Give an ISO 3166 country code whose holidays are known, or nothing.")]}
        )
    if region and region not in regions_of(country):
        raise ValidationError(
            {"region": [gettext("Give a region of the country whose holidays are known, or nothing.")]}
        )


def regions_of(country: str) -> list[str]:
    """The regions of a country with public holidays of their own; none for an unknown country."""
    return supported_countries().get(country, [])


@lru_cache(maxsize=4096)
def holidays_in(country: str, region: str, year: int) -> frozenset[date]:
    """The country's own public holidays and the region's; without a region, those that all its regions have."""
    if region:
        return listed_holidays(country, region, year)
    national = listed_holidays(country, None, year)
    common: frozenset[date] | None = None
    for each in regions_of(country):
        regional = listed_holidays(country, each, year) - national
        common = regional if common is None else common & regional
        if not common:  # most countries' regions agree on nothing: after two or three of them this is known
            break
    return national | (common or frozenset())


def listed_holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    """As the package lists them: None for the holidays of the country alone, without those of any region."""
    import holidays

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for years whose movable feasts are not known yet
        return frozenset(holidays.country_holidays(country, subdiv=region, years=year))


@dataclass(frozen=True)
class PublicHolidays:
    """The public holidays of a country and region as in `holidays_in`: a set of dates, computed and cached by year.

    The package's own object that does so is not safe to share between threads.
    """

    country: str
    region: str

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in holidays_in(self.country, self.region, day.year)


def calendar_from(
    time_zone: str, working_days: list[int], country: str, region: str, leave: list[dict[str, str]]
) -> WorkCalendar:
    """The calendar of a profile with these CALENDAR_FIELDS."""
    return WorkCalendar(
        zone=ZoneInfo(time_zone),
        working_days=frozenset(working_days),
        holidays=PublicHolidays(country, region) if country else (),
        leave=tuple((date.fromisoformat(each["from"]), date.fromisoformat(each["to"])) for each in leave),
    )


class WorkProfile(TimestampedModel):
    """When and where a user works. Without one: the server's zone, seven days, no holidays."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="work_profile")
    time_zone = models.CharField(max_length=64, default=server_zone_name, validators=[validate_zone])
    working_days = models.JSONField(
        default=every_day, validators=[validate_working_days], help_text=gettext_lazy("ISO weekdays")
    )
    country = models.CharField(
        max_length=10, blank=True, help_text=gettext_lazy("ISO 3166 code; its public holidays are days off")
    )
    region = models.CharField(max_length=20, blank=True)
    leave = models.JSONField(default=list, blank=True, validators=[validate_leave], help_text=gettext_lazy("inclusive"))

    def __str__(self) -> str:
        return f"{self.user} ({self.time_zone})"

    def clean(self) -> None:
        validate_country(self.country, self.region)

    @classmethod
    def locked_of(cls, user: Any) -> "WorkProfile":
        """The profile of the user, locked; where there is none yet, the default one, created. In a transaction."""
        profile = cls.objects.get_or_create(user=user)[0]
        profile.lock()
        return profile

    @property
    def calendar(self) -> WorkCalendar:
        return calendar_from(*(getattr(self, name) for name in CALENDAR_FIELDS))

    @property
    def note(self) -> str | None:
        """What the user should know of the profile: that a region is missing. None where there is nothing to say."""
        regions = regions_of(self.country) if self.country and not self.region else []
        return MISSING_REGION.format(country=self.country, regions=", ".join(regions)) if regions else None

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """As `TimestampedModel.edit`; the computed dates of the user's plans follow."""
        with self.atomic():
            changed = super().edit(by=by, **changes)
            if changed:
                self._send_changed(self.database, changed)
        return changed

    def save(self, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        is_new, using = self._state.adding, using or self.database
        with transaction.atomic(using=using, savepoint=False):
            super().save(*args, using=using, **kwargs)
            if is_new and self.calendar != default_calendar():
                self._send_changed(using)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        using = using or self.database
        with transaction.atomic(using=using, savepoint=False):
            deleted = super().delete(using, keep_parents)
            self._send_changed(using)
        return deleted

    def _send_changed(self, using: str, fields: Iterable[str] = CALENDAR_FIELDS) -> None:
        work_profile_changed.send(WorkProfile, user_id=self.user_id, fields=set(fields), using=using)


def calendar_of(user_id: int | None, using: str | None = None) -> WorkCalendar:
    """The work calendar of a user; the default one for None."""
    profile = WorkProfile.objects.using(using).filter(user=user_id).first() if user_id else None
    return profile.calendar if profile else default_calendar()


@partial(CompiledQuery, placeholders={"lead": 2**40})
def profile_of_owner(lead):
    owner = Restaurant.objects.filter(pk=lead).values("assigned_to")
    return WorkProfile.objects.filter(user__in=owner).order_by().values_list(*CALENDAR_FIELDS)


def calendar_of_lead(lead: int, using: str | None = None) -> WorkCalendar:
    """The work calendar of the lead's owner, as it is now.

    Call it under the lock of the plan: it is a query of its own, because what a query that waits for a lock reads of
    other rows may be as old as the wait.
    """
    profile = profile_of_owner(lead=lead, using=using)
    return calendar_from(*profile[0]) if profile else default_calendar()


def calendars_of_leads(leads: set[int], using: str | None = None) -> dict[int, WorkCalendar]:
    """The work calendars of the leads' owners, by lead. See `calendar_of_lead`."""
    if len(leads) == 1:
        return {lead: calendar_of_lead(lead, using) for lead in leads}
    owners = dict(Restaurant.objects.using(using).filter(pk__in=leads).order_by().values_list("pk", "assigned_to"))
    calendars = {owner: calendar_of(owner, using) for owner in set(owners.values())}
    return {lead: calendars[owner] for lead, owner in owners.items()}


def default_calendar() -> WorkCalendar:
    """That of a user without a profile: the server's zone, seven days, no holidays."""
    return WorkCalendar(dates.server_zone())


def time_zone_of_user() -> models.Subquery:
    """For crm.api.authentication: the zone in a user's work profile, NULL where there is none."""
    return models.Subquery(WorkProfile.objects.filter(user=models.OuterRef("pk")).values("time_zone")[:1])


def country_of_user(path: str) -> models.Subquery:
    """For crm.db.phones: the country in the work profile of the user at a look-up path, NULL where there is none."""
    return models.Subquery(WorkProfile.objects.filter(user=models.OuterRef(path)).values("country")[:1])


def countries_of(owners: Iterable[int | None], using: str | None = None) -> set[str]:
    """The countries in these users' work profiles, empty for one without and for None."""
    owners = set(owners)
    profiles = WorkProfile.objects.using(using).filter(user__in=owners - {None}).order_by()
    countries = dict(profiles.values_list("user", "country"))
    return {countries.get(owner, "") if owner else "" for owner in owners}


def zone_of(user) -> ZoneInfo:
    """The user's own zone, or the server's; the token's authentication has looked it up already."""
    if hasattr(user, "time_zone"):
        name = user.time_zone
    else:  # not cached: the object may outlive the request
        name = WorkProfile.objects.filter(user=user).values_list("time_zone", flat=True).first()
    return ZoneInfo(name) if name else dates.server_zone()
