"""Call plans as the document has them: made, edited, called, listed for today."""

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils.dateparse import parse_datetime

from call.models import CallPlan
from crm.tests.support import signed_in

NOW = "2024-12-28T09:00:00Z"
KEYS = ["id", "lead", "frequency", "last_called", "next_call_date", "notes"]


@pytest.fixture
def now():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def path(now, api, user, plan):
    """Of a DAILY plan that was made on 28 December 2024 at 9:00 UTC."""
    api.force_authenticate(user)
    return f"/call/{plan.pk}/"


def dates_of(body):
    return body["last_called"], body["next_call_date"]


def test_a_plan_has_the_keys_of_the_document_in_their_order(api, path):
    assert list(api.get(path).json()) == KEYS


def test_lead_and_frequency_are_required(api):
    assert api.post("/call/", {}).json() == dict.fromkeys(["lead", "frequency"], ["This field is required."])


@pytest.mark.parametrize(
    ("frequency", "next_call"),
    [("DAILY", "2024-12-29"), ("WEEKLY", "2025-01-04"), ("BIWEEKLY", "2025-01-11"), ("MONTHLY", "2025-01-28")],
)
def test_a_new_plan_is_due_at_midnight_one_interval_after_today(now, api, user, lead, frequency, next_call):
    api.force_authenticate(user)

    answer = api.post("/call/", {"lead": lead.pk, "frequency": frequency, "last_called": "2024-12-01T10:00:00Z"})

    assert answer.status_code == 201
    assert answer.json() == {
        "id": CallPlan.objects.get().pk,
        "lead": lead.pk,
        "frequency": frequency,
        "last_called": None,
        "next_call_date": f"{next_call}T00:00:00Z",
        "notes": "",
    }


def test_a_new_plan_may_say_when_it_is_due(api, lead):
    body = {"lead": lead.pk, "frequency": "DAILY", "next_call_date": "2025-02-03T10:00:00+05:30"}

    assert api.post("/call/", body, format="multipart").json()["next_call_date"] == "2025-02-03T04:30:00Z"


def test_midnight_is_that_of_the_configured_zone(now, api, user, lead, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    api.force_authenticate(user)
    now.move_to("2024-12-28T20:00:00Z")  # the 29th in Kolkata

    answer = api.post("/call/", {"lead": lead.pk, "frequency": "DAILY"})

    assert answer.json()["next_call_date"] == "2024-12-29T18:30:00Z"


def test_a_lead_may_have_several_plans(api, path, lead):
    assert api.post("/call/", {"lead": lead.pk, "frequency": "DAILY"}).status_code == 201
    assert len(api.get(f"/call/?lead={lead.pk}").json()) == 2


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_moves_no_other_date(api, path, lead, method):
    before = api.get(path).json()

    given = {"lead": lead.pk, "frequency": "WEEKLY", "notes": "Ask for Asha.", "id": 7, "colour": "red"}
    answer = getattr(api, method)(path, given)

    assert answer.json() == before | {"frequency": "WEEKLY", "notes": "Ask for Asha."}


def test_an_update_sets_the_dates_in_its_body_and_no_other(api, path):
    before = dates_of(api.get(path).json())

    called = api.patch(path, {"last_called": "2024-12-20T10:00:00Z"}).json()
    assert dates_of(called) == ("2024-12-20T10:00:00Z", before[1])
    planned = api.patch(path, {"next_call_date": "2024-12-31T15:00:00Z"}).json()
    assert dates_of(planned) == ("2024-12-20T10:00:00Z", "2024-12-31T15:00:00Z")
    forgotten = api.patch(path, {"last_called": None}).json()
    assert dates_of(forgotten) == (None, "2024-12-31T15:00:00Z")


def test_put_asks_for_the_required_keys_and_patch_does_not(api, path):
    assert list(api.put(path, {"notes": "A"}).json()) == ["lead", "frequency"]
    assert api.patch(path, {"notes": "A"}).json()["notes"] == "A"


@pytest.mark.parametrize("field", ["last_called", "next_call_date"])
@pytest.mark.parametrize(
    ("date", "is_taken"),
    [
        ("1999-12-31T23:59:59Z", False),
        ("2000-01-01T00:00:00Z", True),
        ("2100-12-31T23:59:59Z", True),
        ("2101-01-01T00:00:00Z", False),
    ],
)
def test_dates_are_held_between_2000_and_2100(api, path, field, date, is_taken):
    answer = api.patch(path, {field: date})

    assert answer.json()[field] == date if is_taken else list(answer.json()) == [field]


@pytest.mark.parametrize(
    ("frequency", "called", "next_call"),
    [
        ("DAILY", "2024-12-28T10:00:00Z", "2024-12-29T10:00:00Z"),
        ("WEEKLY", "2024-12-25T15:00:00Z", "2025-01-01T15:00:00Z"),
        ("BIWEEKLY", "2024-12-25T15:00:00Z", "2025-01-08T15:00:00Z"),
        ("MONTHLY", "2024-01-31T08:30:00Z", "2024-02-29T08:30:00Z"),
        ("MONTHLY", "2023-01-31T08:30:00Z", "2023-02-28T08:30:00Z"),
        ("MONTHLY", "2024-12-28T00:00:00.000001+14:00", "2025-01-27T10:00:00.000001Z"),
    ],
)
def test_a_call_plans_the_next_one_an_interval_later(api, path, frequency, called, next_call):
    api.patch(path, {"frequency": frequency})

    answer = api.post(f"{path}record_call/", {"last_called": called})

    assert answer.status_code == 200
    assert answer.json()["next_call_date"] == next_call
    assert parse_datetime(answer.json()["last_called"]) == parse_datetime(called)
    assert answer.content == api.get(path).content


@pytest.mark.parametrize("body", [{}, None])
def test_a_call_without_a_time_was_made_now(api, path, body):
    answer = api.post(f"{path}record_call", body)

    assert dates_of(answer.json()) == (NOW, "2024-12-29T09:00:00Z")


def test_a_clock_change_does_not_move_a_calls_local_time_of_day(now, api, path, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    now.move_to("2025-03-29T09:00:00Z")

    answer = api.post(f"{path}record_call/", {"last_called": "2025-03-29T08:00:00Z"})

    assert answer.json()["next_call_date"] == "2025-03-30T07:00:00Z"  # 9:00 in Berlin, before and after


def test_calls_that_arrive_out_of_order_leave_the_latest(api, path):
    latest = ("2024-12-27T10:00:00Z", "2024-12-28T10:00:00Z")

    for called in ("2024-12-27T10:00:00Z", "2024-12-20T10:00:00Z", "2024-12-27T09:59:59Z", "2024-12-27T10:00:00Z"):
        answer = api.post(f"{path}record_call/", {"last_called": called})
        assert (answer.status_code, dates_of(answer.json())) == (200, latest)


def test_a_call_may_be_a_day_ahead_and_no_more(api, path):
    assert api.post(f"{path}record_call/", {"last_called": "2024-12-29T09:00:00Z"}).status_code == 200

    answer = api.post(f"{path}record_call/", {"last_called": "2024-12-29T09:00:00.000001Z"})
    assert (answer.status_code, list(answer.json())) == (400, ["last_called"])
    assert api.get(path).json()["last_called"] == "2024-12-29T09:00:00Z"


def test_a_new_frequency_counts_from_the_last_call(api, path):
    api.post(f"{path}record_call/", {"last_called": "2024-12-28T10:00:00+00:00"})
    api.patch(path, {"next_call_date": "2025-06-01T00:00:00Z"})

    answer = api.patch(f"{path}set_frequency/", {"frequency": "WEEKLY"})

    assert answer.status_code == 200
    assert answer.content == api.get(path).content
    assert answer.json()["frequency"] == "WEEKLY"
    assert dates_of(answer.json()) == ("2024-12-28T10:00:00Z", "2025-01-04T10:00:00Z")


def test_a_new_frequency_of_a_plan_never_called_counts_from_today(now, api, path):
    now.move_to("2025-01-30T17:00:00Z")

    answer = api.patch(f"{path}set_frequency/", {"frequency": "MONTHLY"})

    assert dates_of(answer.json()) == (None, "2025-02-28T00:00:00Z")


AROUND_TODAY = [
    *("2024-12-27T09:59:59Z", "2024-12-27T10:00:00Z", "2024-12-27T18:29:59Z", "2024-12-27T18:30:00Z"),
    *("2024-12-28T00:00:00Z", "2024-12-28T18:29:59Z", "2024-12-28T18:30:00Z", "2024-12-28T23:59:59.999999Z"),
]


@pytest.mark.parametrize(
    ("zone", "due"),
    [("UTC", AROUND_TODAY[4:]), ("Asia/Kolkata", AROUND_TODAY[3:6]), ("Pacific/Kiritimati", AROUND_TODAY[1:5])],
)
def test_today_are_the_plans_of_the_local_date_soonest_first(api, path, lead, settings, zone, due):
    settings.TIME_ZONE = zone
    CallPlan.objects.all().delete()
    for moment in reversed(AROUND_TODAY):
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=parse_datetime(moment))

    assert [row["next_call_date"] for row in api.get("/call/today/").json()] == due


def test_plans_due_at_one_moment_are_listed_by_id(api, path, lead):
    CallPlan.objects.all().delete()
    plans = [
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=parse_datetime(NOW)) for _ in range(3)
    ]

    assert [row["id"] for row in api.get("/call/today/").json()] == [plan.pk for plan in plans]


def test_a_deleted_plan_says_so_and_is_gone(api, path):
    answer = api.delete(path)

    assert (answer.status_code, answer.json()) == (200, {"detail": "Successfully deleted the call plan."})
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("listing", ["/call/", "/call/today/"])
def test_a_list_costs_one_query_besides_the_users(now, user, lead, listing, rows, django_assert_num_queries):
    CallPlan.objects.bulk_create(
        CallPlan(lead=lead, frequency="DAILY", next_call_date=parse_datetime(NOW)) for _ in range(rows)
    )
    api = signed_in(user)

    with django_assert_num_queries(2):
        assert len(api.get(listing).json()) == rows


def test_a_plan_costs_one_query_besides_the_users(kam, plan, django_assert_num_queries):
    with django_assert_num_queries(2):
        kam.get(f"/call/{plan.pk}/")


@pytest.mark.parametrize(
    "bad",
    [
        {"frequency": "NOPE"},
        {"last_called": "1999-12-31T23:59:59Z"},
        {"last_called": "2101-01-01T00:00:00Z"},
        {"next_call_date": "1999-12-31T23:59:59Z"},
        {"next_call_date": "2101-01-01T00:00:00Z"},
        {"next_call_date": None},
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_the_database(plan, bad):
    with pytest.raises(IntegrityError), transaction.atomic():
        CallPlan.objects.filter(pk=plan.pk).update(**bad)
