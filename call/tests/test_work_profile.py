"""The calendar that a plan is computed on: zone, working days, public holidays, leave; and what follows a change."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth import get_user_model

from call.models import CallPlan, WorkProfile
from call.models.work_profile import PublicHolidays
from call.tests.support import client_of, dates_of
from lead.models import Restaurant

DEFAULT = {"time_zone": "UTC", "working_days": [1, 2, 3, 4, 5, 6, 7], "country": "", "region": "", "leave": []}
DEFAULT |= {"note": None}
INDIA = {"time_zone": "Asia/Kolkata", "working_days": [1, 2, 3, 4, 5, 6], "country": "IN", "region": "MH"}
CHRISTMAS = [{"from": "2026-12-24", "to": "2026-12-31"}]


@pytest.fixture
def ben(db):
    return get_user_model().objects.create_user("ben")


@pytest.fixture
def called(kam, plan):
    """Record a call on a plan; its next call date."""

    def record(at, frequency="DAILY", on=plan):
        on.edit(frequency=frequency)
        return kam.post(f"/call/{on.pk}/record_call/", {"last_called": at}).json()["next_call_date"]

    return record


# --- The profile ----------------------------------------------------------------------------------


def test_before_it_is_written_the_profile_is_the_default_one(kam):
    assert kam.get("/call/me/").json() == DEFAULT
    assert not WorkProfile.objects.exists()


def test_the_default_zone_is_the_servers(kam, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    assert kam.get("/call/me/").json()["time_zone"] == "Europe/Berlin"


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_profile_is_written_and_read_back(kam, user, method):
    given = {**INDIA, "leave": CHRISTMAS}
    answer = getattr(kam, method)("/call/me/", {**given, "working_days": [6, 1, 2, 3, 4, 5], "colour": "red"})
    assert (answer.status_code, answer.json()) == (200, {**given, "note": None})
    assert list(answer.json()) == ["time_zone", "working_days", "country", "region", "leave", "note"]
    assert answer.content == kam.get("/call/me/").content
    assert WorkProfile.objects.get().user == user


def test_what_is_left_out_stays(kam):
    kam.patch("/call/me/", INDIA)
    assert kam.patch("/call/me/", {"leave": CHRISTMAS}).json() == DEFAULT | INDIA | {"leave": CHRISTMAS}


def test_each_has_a_profile_of_their_own(kam, ben):
    kam.patch("/call/me/", INDIA)
    assert client_of(ben).get("/call/me/").json() == DEFAULT


def test_a_profile_that_has_changed_meanwhile_is_not_overwritten(kam):
    tag = kam.get("/call/me/")["ETag"]
    assert kam.patch("/call/me/", {"working_days": [1]}, headers={"If-Match": tag}).status_code == 200
    assert kam.patch("/call/me/", {"working_days": [2]}, headers={"If-Match": tag}).status_code == 412
    assert kam.get("/call/me/").json()["working_days"] == [1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": "asia/kolkata\u0000"}, "time_zone"),
        ({"time_zone": None}, "time_zone"),
        ({"working_days": []}, "working_days"),
        ({"working_days": [0]}, "working_days"),
        ({"working_days": [8]}, "working_days"),
        ({"working_days": [1, 1]}, "working_days"),
        ({"working_days": [True]}, "working_days"),
        ({"working_days": ["1"]}, "working_days"),
        ({"working_days": [1.5]}, "working_days"),
        ({"working_days": "12345"}, "working_days"),
        ({"working_days": None}, "working_days"),
        ({"country": "XX"}, "country"),
        ({"country": "India"}, "country"),
        ({"country": "IN", "region": "BAVARIA"}, "region"),
        ({"region": "MH"}, "region"),
        ({"leave": {"from": "2026-12-24", "to": "2026-12-31"}}, "leave"),
        ({"leave": "Christmas"}, "leave"),
        ({"leave": {}}, "leave"),
        ({"leave": [["2026-12-24", "2026-12-31"]]}, "leave"),
        ({"leave": [{"from": "2026-12-24"}]}, "leave"),
        ({"leave": [{"from": "2026-12-24", "to": None}]}, "leave"),
        ({"leave": [{"from": "2026-12-24", "to": 20261231}]}, "leave"),
        ({"leave": [{"from": "2026-02-30", "to": "2026-03-01"}]}, "leave"),
        ({"leave": [{"from": "2026-W52-4", "to": "2026-12-31"}]}, "leave"),
        ({"leave": [{"from": "2026-12-31", "to": "2026-12-24"}]}, "leave"),
        ({"leave": [{"from": "1999-12-31", "to": "2000-01-01"}]}, "leave"),
        ({"leave": [{"from": "2026-12-24", "to": "2101-01-01"}]}, "leave"),
        ({"leave": CHRISTMAS * 101}, "leave"),
        ({"leave": None}, "leave"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_by_name_and_changes_nothing(kam, plan, body, field):
    before = kam.get(f"/call/{plan.pk}/").json()
    answer = kam.patch("/call/me/", {"working_days": [1], **body})
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert kam.get("/call/me/").json() == DEFAULT
    assert kam.get(f"/call/{plan.pk}/").json() == before
    assert not WorkProfile.objects.exists()


def test_a_region_must_be_of_its_country(kam):
    kam.patch("/call/me/", {"country": "IN", "region": "MH"})
    assert list(kam.patch("/call/me/", {"country": "DE"}).json()) == ["region"]
    assert kam.patch("/call/me/", {"country": "", "region": ""}).json()["country"] == ""


# --- Computed dates -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize(
    ("frequency", "at", "next_call"),
    [
        ("DAILY", "2026-01-17T15:00:00Z", "2026-01-18T15:00:00Z"),
        ("WEEKLY", "2026-01-18T15:00:00Z", "2026-01-25T15:00:00Z"),
        ("BIWEEKLY", "2026-01-12T15:00:00Z", "2026-01-26T15:00:00Z"),
        ("MONTHLY", "2025-12-25T15:00:00Z", "2026-01-25T15:00:00Z"),
    ],
)
def test_without_working_days_or_holidays_all_days_are_alike(kam, user, called, is_written, frequency, at, next_call):
    if is_written:
        WorkProfile.objects.create(user=user)
    assert called(at, frequency) == next_call


@pytest.mark.parametrize(
    ("frequency", "at", "next_call"),
    [
        ("DAILY", "2026-01-16T10:00:00Z", "2026-01-17T10:00:00Z"),  # Saturday works
        ("DAILY", "2026-01-17T10:00:00Z", "2026-01-19T10:00:00Z"),  # over Sunday
        ("WEEKLY", "2026-01-19T10:00:00Z", "2026-01-27T10:00:00Z"),  # over Republic Day
        ("WEEKLY", "2026-01-18T10:00:00Z", "2026-01-27T10:00:00Z"),  # over Sunday and Republic Day
        ("DAILY", "2026-01-16T18:29:59Z", "2026-01-17T18:29:59Z"),  # from Friday, a second before midnight
        ("DAILY", "2026-01-16T18:30:00Z", "2026-01-18T18:30:00Z"),  # from Saturday: Monday, in Kolkata
    ],
)
def test_a_computed_date_rolls_forward_to_the_owners_next_working_day(kam, called, frequency, at, next_call):
    kam.patch("/call/me/", INDIA)
    assert called(at, frequency) == next_call


@pytest.mark.parametrize(
    ("country", "region", "day", "is_off"),
    [
        ("IN", "", date(2026, 1, 26), True),
        ("IN", "", date(2026, 1, 27), False),
        ("DE", "", date(2026, 11, 1), False),
        ("DE", "BY", date(2026, 11, 1), True),
        ("US", "", date(2026, 7, 3), True),
        ("US", "", date(2026, 7, 4), True),
        ("IN", "", date(2099, 1, 26), True),
    ],
)
def test_public_holidays_are_those_of_country_and_region(country, region, day, is_off):
    assert (day in PublicHolidays(country, region)) == is_off


def test_leave_is_off_on_its_first_and_on_its_last_day(kam, called):
    kam.patch("/call/me/", {"leave": [{"from": "2026-01-19", "to": "2026-01-21"}]})
    assert called("2026-01-17T10:00:00Z") == "2026-01-18T10:00:00Z"
    assert called("2026-01-18T10:00:00Z") == "2026-01-22T10:00:00Z"


def test_a_new_plan_is_due_at_the_owners_midnight_on_a_working_day(kam, lead):
    kam.patch("/call/me/", {"time_zone": "Asia/Kolkata", "leave": [{"from": "2026-01-20", "to": "2026-01-22"}]})
    answer = kam.post("/call/", {"lead": lead.pk, "frequency": "DAILY"})
    assert answer.json()["next_call_date"] == "2026-01-22T18:30:00Z"


def test_a_new_frequency_counts_from_the_owners_today(now, kam, plan):
    kam.patch("/call/me/", {"time_zone": "Asia/Kolkata"})
    now.move_to("2026-01-19T18:30:00Z")  # the 20th in Kolkata
    answer = kam.patch(f"/call/{plan.pk}/set_frequency/", {"frequency": "WEEKLY"})
    assert answer.json()["next_call_date"] == "2026-01-26T18:30:00Z"


def test_a_skipped_call_moves_to_a_working_day(kam, called, plan):
    kam.patch("/call/me/", INDIA)
    called("2026-01-12T10:00:00Z", "WEEKLY")
    assert kam.post(f"/call/{plan.pk}/skip/").json()["next_call_date"] == "2026-01-27T10:00:00Z"


@pytest.mark.parametrize(
    ("zone", "at", "next_call"),
    [
        ("America/New_York", "2026-03-07T14:00:00Z", "2026-03-08T13:00:00Z"),  # 9:00, the clocks forward
        ("America/New_York", "2026-10-31T13:00:00Z", "2026-11-01T14:00:00Z"),  # 9:00, the clocks back
        ("America/New_York", "2026-03-07T07:30:00Z", "2026-03-08T07:30:00Z"),  # 2:30 is skipped on that day: 3:30
        ("America/New_York", "2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z"),  # 1:30 comes twice: the first
        ("Australia/Lord_Howe", "2026-04-03T22:00:00Z", "2026-04-04T22:30:00Z"),  # 9:00, back by half an hour
        ("Pacific/Kiritimati", "2026-01-18T10:00:00Z", "2026-01-19T10:00:00Z"),
    ],
)
def test_a_clock_change_does_not_move_the_owners_local_time_of_day(now, kam, called, zone, at, next_call):
    now.move_to("2026-11-02T00:00:00Z")
    kam.patch("/call/me/", {"time_zone": zone})
    assert called(at) == next_call


def test_the_owners_calendar_counts_not_the_callers(kam, ben, plan):
    WorkProfile.objects.create(user=ben, time_zone="Asia/Kolkata", working_days=[3])
    body = client_of(ben).post(f"/call/{plan.pk}/record_call/").json()
    assert body["next_call_date"] == "2026-01-20T09:00:00Z"


def test_an_unowned_lead_has_the_default_calendar(kam, ben, lead, plan):
    kam.patch("/call/me/", {"working_days": [5]})
    lead.edit(assigned_to=None)
    assert dates_of(kam.get(f"/call/{plan.pk}/").json()) == (None, "2026-01-20T00:00:00Z")


# --- Changes --------------------------------------------------------------------------------------


@pytest.fixture
def plans(kam, lead):
    """Two of computed dates, three of given ones, one that is another's: their dates on demand."""
    path = "/call/"
    weekly = {"lead": lead.pk, "frequency": "WEEKLY"}
    never_called, called, patched, snoozed = (kam.post(path, weekly).json()["id"] for _ in range(4))
    kam.post(f"/call/{called}/record_call/")
    made = kam.post(path, {**weekly, "next_call_date": "2026-02-01T10:00:00Z"}).json()["id"]
    kam.patch(f"/call/{patched}/", {"next_call_date": "2026-02-01T10:00:00Z"})
    kam.post(f"/call/{snoozed}/snooze/", {"until": "2026-02-01T10:00:00Z"})
    elsewhere = CallPlan.objects.create(lead=Restaurant.objects.create(name="Cafe Blau"), frequency="WEEKLY")
    ids = {
        "never called": never_called,
        "called": called,
        "made": made,
        "patched": patched,
        "snoozed": snoozed,
        "another's": elsewhere.pk,
    }
    return lambda: {name: kam.get(f"/call/{pk}/").json()["next_call_date"] for name, pk in ids.items()}


COMPUTED = {"never called": "2026-01-26T00:00:00Z", "called": "2026-01-26T09:00:00Z"}
GIVEN = dict.fromkeys(["made", "patched", "snoozed"], "2026-02-01T10:00:00Z") | {"another's": "2026-01-26T00:00:00Z"}


def test_a_changed_profile_recomputes_only_computed_dates(kam, plans):
    assert plans() == COMPUTED | GIVEN
    kam.patch("/call/me/", {"country": "IN"})
    assert plans() == {"never called": "2026-01-27T00:00:00Z", "called": "2026-01-27T09:00:00Z"} | GIVEN
    kam.patch("/call/me/", {"time_zone": "Asia/Kolkata"})
    assert plans() == {"never called": "2026-01-26T18:30:00Z", "called": "2026-01-27T09:00:00Z"} | GIVEN
    kam.patch("/call/me/", DEFAULT)
    assert plans() == COMPUTED | GIVEN


def test_a_changed_owner_recomputes_only_computed_dates(kam, ben, lead, plans):
    WorkProfile.objects.create(user=ben, country="IN")
    kam.patch(f"/lead/restaurants/{lead.pk}/", {"assigned_to": ben.pk})
    assert plans() == {"never called": "2026-01-27T00:00:00Z", "called": "2026-01-27T09:00:00Z"} | GIVEN
    kam.patch(f"/lead/restaurants/{lead.pk}/", {"assigned_to": None})
    assert plans() == COMPUTED | GIVEN


def test_a_deleted_owner_takes_the_calendar_along(kam, ben, lead, plans):
    WorkProfile.objects.create(user=ben, country="IN")
    lead.edit(assigned_to=ben)
    ben.delete()
    assert plans() == COMPUTED | GIVEN


def test_a_deleted_profile_leaves_the_default_one(kam, plans):
    kam.patch("/call/me/", {"country": "IN"})
    WorkProfile.objects.get().delete()
    assert plans() == COMPUTED | GIVEN


def test_a_plan_moved_to_another_lead_follows_its_owners_calendar(kam, ben, plan):
    WorkProfile.objects.create(user=ben, working_days=[5])
    elsewhere = Restaurant.objects.create(name="Cafe Blau", assigned_to=ben)
    body = kam.patch(f"/call/{plan.pk}/", {"lead": elsewhere.pk, "frequency": "WEEKLY", "notes": "Moved."}).json()
    assert body["next_call_date"] == "2026-01-20T00:00:00Z"  # a frequency that is edited leaves the date
    assert kam.post(f"/call/{plan.pk}/record_call/").json()["next_call_date"] == "2026-01-30T09:00:00Z"
    moved = CallPlan.objects.create(lead=Restaurant.objects.create(name="Old Fig"), frequency="DAILY")
    body = kam.patch(f"/call/{moved.pk}/", {"lead": elsewhere.pk}).json()
    assert body["next_call_date"] == "2026-01-23T00:00:00Z"


def test_a_recomputed_date_is_no_row_in_the_log_and_raises_the_sequence(kam, plan):
    kam.patch("/call/me/", {"working_days": [5]})
    plan.refresh_from_db()
    assert (plan.events.count(), plan.sequence) == (0, 1)
    assert plan.next_call_date == datetime(2026, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize("rows", [3, 30])
def test_a_changed_profile_costs_one_query_a_moved_plan(kam, user, lead, rows, django_assert_max_num_queries):
    WorkProfile.objects.create(user=user)
    for _ in range(rows):
        CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    with django_assert_max_num_queries(rows + 14):  # two of them for the phone numbers of leads and contacts
        kam.patch("/call/me/", {"country": "IN"})


def test_profiles_of_many_plans_are_recomputed_in_batches(kam, user, lead, monkeypatch):
    monkeypatch.setattr("call.models.plan.BATCH", 2)
    for _ in range(5):
        CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    kam.patch("/call/me/", {"country": "IN"})
    assert [str(plan.next_call_date.date()) for plan in CallPlan.objects.all()] == ["2026-01-27"] * 5


# --- Months ---------------------------------------------------------------------------------------


def test_skipped_months_count_from_the_last_touch_until_a_new_call(kam, plan, now):
    now.move_to("2026-01-31T10:00:00Z")
    path = f"/call/{plan.pk}/"
    kam.patch(path, {"frequency": "MONTHLY"})

    def due(verb, **body):
        return kam.post(path + verb, body).json()["next_call_date"]

    assert due("record_call/") == "2026-02-28T10:00:00Z"
    assert due("skip/") == "2026-03-31T10:00:00Z"
    assert due("skip/") == "2026-04-30T10:00:00Z"
    now.move_to("2026-02-28T10:00:00Z")
    assert due("record_call/") == "2026-03-28T10:00:00Z"
    assert due("skip/") == "2026-04-28T10:00:00Z"
