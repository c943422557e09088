"""Public holidays where no region is chosen: the country's own, and those that all its regions have."""

import warnings
from datetime import UTC, date, timedelta
from functools import reduce

import holidays
import pytest
from django.urls import reverse

from call.models import WorkProfile
from call.models.work_profile import PublicHolidays, holidays_in, listed_holidays
from call.recurrence import WorkCalendar
from call.tests.support import dates_of

YEARS = [2024, 2025, 2026]


def listed(country: str, region: str | None, year: int) -> set[date]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for years whose movable feasts are not known yet
        return set(holidays.country_holidays(country, subdiv=region, years=year))


def test_a_weekly_call_is_not_planned_on_a_holiday_of_every_state(kam, user, plan, now):
    """Monday, 27 January 2025 is a public holiday in all of Australia's states, and not in the list of the country."""
    WorkProfile.objects.create(user=user, country="AU")
    plan.edit(frequency="WEEKLY")
    recorded = kam.post(f"/call/{plan.pk}/record_call/", {"last_called": "2025-01-20T10:00:00Z"})
    assert dates_of(recorded.json()) == ("2025-01-20T10:00:00Z", "2025-01-28T10:00:00Z")


def test_a_holiday_of_some_states_is_a_working_day_without_a_region():
    day = date(2025, 3, 10)  # Labour Day in Victoria
    assert day in PublicHolidays("AU", "VIC")
    assert day not in PublicHolidays("AU", "")


@pytest.mark.parametrize("year", YEARS)
def test_no_working_day_is_a_day_off_in_all_regions_of_any_country(year):
    for country, regions in holidays.list_supported_countries().items():
        national = listed(country, None, year)
        common = reduce(set.intersection, (listed(country, region, year) for region in regions)) if regions else set()
        assert holidays_in(country, "", year) == national | common, country
        calendar = WorkCalendar(UTC, holidays=PublicHolidays(country, ""))
        assert not common & {calendar.working_day_from(day) for day in common}, country


def test_holidays_of_a_year_are_computed_once(monkeypatch):
    countries = []
    monkeypatch.setattr(
        "call.models.work_profile.listed_holidays",
        lambda *args: countries.append(args) or listed_holidays(*args),
    )
    holidays_in.cache_clear()
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
    assert sum(day in PublicHolidays("AU", "") for day in days) > 5
    assert len(countries) == len(set(countries)) <= 1 + len(holidays.list_supported_countries()["AU"])


# --- The note -------------------------------------------------------------------------------------

NOTE = "No region is chosen: only the public holidays that all of CA has are days off. Its regions are AB, BC, MB,"


@pytest.mark.parametrize(
    ("country", "region", "note"),
    [("CA", "", NOTE), ("CA", "QC", None), ("", "", None), ("JP", "", None)],
    ids=["no region", "a region", "no country", "a country without regions"],
)
def test_the_profile_notes_that_a_region_is_missing(kam, country, region, note):
    answer = kam.patch("/call/me/", {"country": country, "region": region})
    assert answer.status_code == 200
    assert answer.content == kam.get("/call/me/").content
    shown = answer.json()["note"]
    assert shown is None if note is None else shown.startswith(note)


def test_the_note_is_read_only(kam):
    assert kam.patch("/call/me/", {"note": "Hello."}).json()["note"] is None


@pytest.mark.parametrize(("region", "times"), [("", 1), ("QC", 0)])
def test_the_admin_notes_that_a_region_is_missing(admin_client, user, region, times):
    profile = WorkProfile.objects.create(user=user, country="CA", region=region)
    page = admin_client.get(reverse("admin:call_workprofile_change", args=[profile.pk])).content.decode()
    assert page.count(NOTE) == times
