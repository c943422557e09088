"""The day on the phone: which plans, in which list, with what one needs to call."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from dateutil.tz import gettz
from django.contrib.auth import get_user_model

from call.models import CallPlan, WorkProfile
from call.tests.support import NOW, client_of
from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction

PARTS = ["overdue", "today", "upcoming", "unplanned"]
KEYS = ["date", "time_zone", *PARTS, "unattended", "at_risk"]
SECOND = timedelta(seconds=1)
MOMENT = datetime.fromisoformat(NOW)


def plan_for(lead, due, **fields):
    return CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=due, **fields)


@pytest.fixture
def entry(kam, lead):
    """The one entry of the day, of a plan that is due at 10:00; the query is the argument."""
    plan_for(lead, "2026-01-19T10:00:00Z")
    return lambda query="": kam.get(f"/call/agenda/{query}").json()["today"][0]


# --- What it says ---------------------------------------------------------------------------------


def test_a_day_with_nothing_on_it(kam):
    answer = kam.get("/call/agenda/")
    assert (answer.status_code, list(answer.json())) == (200, KEYS)
    assert answer.json() == {"date": "2026-01-19", "time_zone": "UTC"} | {part: [] for part in KEYS[2:]}


def test_an_entry_has_all_that_one_needs_to_call(kam, lead, contact):
    plan = plan_for(lead, "2026-01-16T10:00:00Z", notes="Ask for the chef.")
    call = Interaction.objects.create(
        lead=lead, contact=contact, interaction_type="CALL", details="Wants a tasting.", date="2026-01-15T10:00:00Z"
    )
    order = Interaction.objects.create(lead=lead, interaction_type="ORDER", date="2026-01-14T10:00:00Z")
    order.write_order(product_details="50 units", quantity=50, total_price=500)

    assert kam.get("/call/agenda/").json()["overdue"] == [
        {
            "plan": kam.get(f"/call/{plan.pk}/").json(),
            "lead": {"id": lead.pk, "name": "Bistro Anna", "city": "Pune", "lead_status": "NEW"},
            "contact": {"id": contact.pk, "name": "Asha Rao", "role": "Manager", "phone": "123-456-7890"},
            "last_touch": {
                "date": "2026-01-15T10:00:00Z",
                "interaction_type": call.interaction_type,
                "details": "Wants a tasting.",
            },
            "last_order": {"date": "2026-01-14T10:00:00Z", "total_price": 500.0},
            "days_overdue": 3,
            "why": "3 days overdue: due on 2026-01-16, never called.",
            "account": {"verdict": "INSUFFICIENT_DATA", "sentence": "Only 1 order day so far; last order 5 days ago."},
        }
    ]


def test_money_and_keys_are_as_everywhere(kam, lead):
    plan_for(lead, NOW)
    order = Interaction.objects.create(lead=lead, interaction_type="ORDER")
    order.write_order(product_details="50 units", quantity=50, total_price=500)
    body = kam.get("/call/agenda/").content.decode()
    assert '"total_price":500.00}' in body
    keys = ["plan", "lead", "contact", "last_touch", "last_order", "days_overdue", "why", "account"]
    assert list(kam.get("/call/agenda/").json()["today"][0]) == keys


def test_what_there_is_none_of_is_null(entry):
    assert [entry()[key] for key in ("contact", "last_touch", "last_order")] == [None, None, None]


@pytest.mark.parametrize(
    ("due", "called", "why"),
    [
        ("2026-01-18T10:00:00Z", None, "1 day overdue: due on 2026-01-18, never called."),
        (
            "2026-01-17T10:00:00Z",
            "2026-01-16T10:00:00Z",
            "2 days overdue: due on 2026-01-17, last called on 2026-01-16.",
        ),
        ("2026-01-19T10:00:00Z", None, "Due today: daily calls, never called."),
        ("2026-01-19T08:00:00Z", "2026-01-18T08:00:00Z", "Due today: daily calls, last called on 2026-01-18."),
        ("2026-01-21T10:00:00Z", None, "Due on 2026-01-21: daily calls, never called."),
    ],
)
def test_why_says_in_words_why_a_plan_is_listed(kam, lead, due, called, why):
    plan_for(lead, due).edit(last_called=called and datetime.fromisoformat(called))
    (entry,) = (entry for part in PARTS for entry in kam.get("/call/agenda/").json()[part])
    assert entry["why"] == why
    assert entry["days_overdue"] == (int(why[0]) if "overdue" in why else 0)


def test_dates_in_words_are_the_users(now, kam, lead):
    plan_for(lead, "2026-01-18T20:00:00Z").edit(last_called=datetime(2026, 1, 17, 20, tzinfo=UTC))
    now.move_to("2026-01-20T20:00:00Z")
    (entry,) = kam.get("/call/agenda/?tz=Asia/Kolkata").json()["overdue"]
    assert entry["why"] == "2 days overdue: due on 2026-01-19, last called on 2026-01-18."


def test_a_lead_without_a_plan_is_listed_as_unplanned(kam, lead, contact):
    (entry,) = kam.get("/call/agenda/").json()["unplanned"]
    assert entry["plan"] is None
    assert (entry["lead"]["id"], entry["contact"]["id"], entry["days_overdue"]) == (lead.pk, contact.pk, 0)
    assert entry["why"] == "No call is planned for this lead."


# --- Whom to ask for, and what was last -----------------------------------------------------------


@pytest.fixture
def people(lead):
    return [Contact.objects.create(restaurant=lead, name=name) for name in ("Asha Rao", "Ben Iyer", "Chitra Das")]


def say(lead, contact, kind="CALL", date="2026-01-10T10:00:00Z", **fields):
    return Interaction.log(
        lead=lead, contact=contact, interaction_type=kind, date=datetime.fromisoformat(date), **fields
    )


def test_the_contact_is_the_leads_first_before_any_touch_with_one(entry, people):
    assert entry()["contact"]["name"] == "Asha Rao"


def test_the_contact_is_the_person_last_spoken_to(entry, lead, people):
    say(lead, people[1], "VISIT", "2026-01-12T10:00:00Z")
    say(lead, people[2], "CALL", "2026-01-11T10:00:00Z")
    assert entry()["contact"]["name"] == "Ben Iyer"


def test_an_email_or_an_order_is_no_touch_with_a_contact(entry, lead, people):
    say(lead, people[1], "EMAIL")
    say(lead, people[2], "ORDER")
    assert entry()["contact"]["name"] == "Asha Rao"
    assert entry()["last_touch"] is None


def test_an_attempt_is_no_touch_with_a_contact(kam, entry, lead, people):
    path = f"/call/{CallPlan.objects.get().pk}/record_call/"
    kam.post(path, {"contact": people[1].pk, "outcome": "NO_ANSWER", "last_called": "2026-01-19T08:00:00Z"})
    assert (entry()["contact"]["name"], entry()["last_touch"]) == ("Asha Rao", None)


def test_a_touch_without_a_person_leaves_the_one_before(entry, lead, people):
    say(lead, people[1], date="2026-01-10T10:00:00Z")
    say(lead, None, date="2026-01-11T10:00:00Z")
    assert (entry()["contact"]["name"], entry()["last_touch"]["date"]) == ("Ben Iyer", "2026-01-11T10:00:00Z")


def test_a_touch_planned_ahead_has_not_been(entry, lead, people):
    say(lead, people[1], date="2026-01-20T09:00:01Z")
    assert (entry()["contact"]["name"], entry()["last_touch"]) == ("Asha Rao", None)


def test_of_two_touches_at_one_moment_the_later_noted_is_the_last(entry, lead, people):
    say(lead, people[1])
    say(lead, people[2])
    assert entry()["contact"]["name"] == "Chitra Das"


def test_a_contact_who_moved_to_another_lead_is_not_shown(kam, entry, lead, people):
    say(lead, people[1])
    elsewhere = Restaurant.objects.create(name="Cafe Blau")
    kam.patch(f"/contact/contacts/{people[1].pk}/", {"restaurant": elsewhere.pk})
    assert entry()["contact"]["name"] == "Asha Rao"


def test_a_deleted_contact_is_not_shown(kam, entry, lead, people):
    say(lead, people[1])
    kam.delete(f"/contact/contacts/{people[1].pk}/")
    assert entry()["contact"]["name"] == "Asha Rao"
    assert entry()["last_touch"]["date"] == "2026-01-10T10:00:00Z"


def test_touches_are_of_the_types_of_the_setting(settings, entry, lead, people):
    say(lead, people[1])
    settings.TOUCH_TYPES = ["EMAIL"]
    assert (entry()["contact"]["name"], entry()["last_touch"]) == ("Asha Rao", None)


def test_the_last_order_is_the_latest_by_its_own_date(entry, lead):
    for day, price in ((12, 300), (14, 700), (13, 500)):
        order = say(lead, None, "ORDER", "2026-01-10T10:00:00Z")
        moment = datetime(2026, 1, day, tzinfo=UTC)
        order.write_order(product_details="units", quantity=1, total_price=price, order_date=moment)
    say(lead, None, "ORDER", "2026-01-13T10:00:00Z")  # without details
    assert entry()["last_order"] == {"date": "2026-01-14T00:00:00Z", "total_price": 700.0}


def test_the_price_of_an_order_without_details_is_null(entry, lead):
    say(lead, None, "ORDER", "2026-01-12T10:00:00Z", order={"product_details": "x", "quantity": 1, "total_price": 9})
    say(lead, None, "ORDER", "2026-01-15T10:00:00Z")
    assert entry()["last_order"] == {"date": "2026-01-15T10:00:00Z", "total_price": None}


def test_an_order_dated_in_the_future_is_not_the_last_one(entry, lead):
    say(lead, None, "ORDER", "2026-01-12T10:00:00Z")
    say(lead, None, "ORDER", "2026-01-20T10:00:00Z")
    assert entry()["last_order"] == {"date": "2026-01-12T10:00:00Z", "total_price": None}


def test_touches_and_orders_of_other_leads_are_not_shown(entry, lead):
    elsewhere = Restaurant.objects.create(name="Cafe Blau")
    say(elsewhere, Contact.objects.create(restaurant=elsewhere, name="Dev Bose"))
    say(elsewhere, None, "ORDER").write_order(product_details="units", quantity=1, total_price=1)
    assert [entry()[key] for key in ("contact", "last_touch", "last_order")] == [None, None, None]


# --- Whose, where and when ------------------------------------------------------------------------


@pytest.fixture
def ben(db):
    return get_user_model().objects.create_user("ben")


def listed(body) -> dict[str, list[str]]:
    return {part: [entry["lead"]["name"] for entry in body[part]] for part in PARTS}


@pytest.fixture
def book(user, ben, kam):
    """Leads with a plan for each day around the 19th, and some that are in no list."""
    for name, due in {
        "Sunday": "2026-01-18T23:59:59Z",
        "Monday": "2026-01-19T00:00:00Z",
        "Monday night": "2026-01-19T23:59:59Z",
        "Tuesday": "2026-01-20T00:00:00Z",
        "a week": "2026-01-26T23:59:59Z",
        "later": "2026-01-27T00:00:00Z",
    }.items():
        plan_for(Restaurant.objects.create(name=name, assigned_to=user), due)
    plan_for(Restaurant.objects.create(name="Ben's", assigned_to=ben), NOW)
    plan_for(Restaurant.objects.create(name="unowned"), NOW)
    plan_for(Restaurant.objects.create(name="lost", assigned_to=user, lead_status="LOST"), NOW)
    plan_for(Restaurant.objects.create(name="paused", assigned_to=user), NOW).pause()
    Restaurant.objects.create(name="unplanned", assigned_to=user)
    Restaurant.objects.create(name="lost and unplanned", assigned_to=user, lead_status="LOST")
    Restaurant.objects.create(name="Ben's unplanned", assigned_to=ben)


WEEK = {
    "overdue": ["Sunday"],
    "today": ["Monday", "Monday night"],
    "upcoming": ["Tuesday", "a week"],
    "unplanned": ["unplanned"],
}


def test_the_lists_are_of_my_leads_soonest_first(kam, book):
    assert listed(kam.get("/call/agenda/").json()) == WEEK


@pytest.mark.parametrize(
    ("days", "upcoming"), [("0", []), ("1", ["Tuesday"]), ("8", ["Tuesday", "a week", "later"]), ("", WEEK["upcoming"])]
)
def test_days_says_how_far_ahead(kam, book, days, upcoming):
    assert listed(kam.get(f"/call/agenda/?days={days}").json()) == WEEK | {"upcoming": upcoming}


def test_date_asks_for_another_day(kam, book):
    body = kam.get("/call/agenda/?date=2026-01-26").json()
    assert body["date"] == "2026-01-26"
    assert listed(body) == {
        "overdue": ["Sunday", "Monday", "Monday night", "Tuesday"],
        "today": ["a week"],
        "upcoming": ["later"],
        "unplanned": ["unplanned"],
    }
    assert [entry["days_overdue"] for entry in body["overdue"]] == [8, 7, 7, 6]


def test_owner_asks_for_anothers(kam, ben, book):
    body = kam.get(f"/call/agenda/?owner={ben.pk}").json()
    assert listed(body) == {"overdue": [], "today": ["Ben's"], "upcoming": [], "unplanned": ["Ben's unplanned"]}
    assert listed(client_of(ben).get("/call/agenda/").json()) == listed(body)


def test_an_owner_who_does_not_exist_has_nothing_to_do(kam, book):
    body = kam.get("/call/agenda/?owner=999999").json()
    assert [body[part] for part in KEYS[2:]] == [[]] * 6


def test_the_zone_is_the_users_own_unless_tz_names_another(now, kam, book):
    now.move_to("2026-01-19T20:00:00Z")
    kam.patch("/call/me/", {"time_zone": "Asia/Kolkata"})
    body = kam.get("/call/agenda/?days=0").json()
    assert (body["date"], body["time_zone"]) == ("2026-01-20", "Asia/Kolkata")
    assert listed(body)["today"] == ["Monday night", "Tuesday"]
    body = kam.get("/call/agenda/?days=0&tz=America/New_York").json()
    assert (body["date"], body["time_zone"]) == ("2026-01-19", "America/New_York")
    assert listed(body)["today"] == ["Monday night", "Tuesday"]
    assert listed(body)["overdue"] == ["Sunday", "Monday"]


def test_all_parameters_can_be_combined(kam, ben, book):
    WorkProfile.objects.create(user=ben, time_zone="Asia/Kolkata")
    body = kam.get(f"/call/agenda/?owner={ben.pk}&tz=Pacific/Kiritimati&date=2026-01-18&days=1").json()
    assert (body["date"], body["time_zone"]) == ("2026-01-18", "Pacific/Kiritimati")
    assert listed(body) == {"overdue": [], "today": [], "upcoming": ["Ben's"], "unplanned": ["Ben's unplanned"]}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("tz=Mars/Olympus", "tz"),
        ("tz=utc%00", "tz"),
        ("tz=..%2F..%2Fetc%2Fpasswd", "tz"),
        ("date=tomorrow", "date"),
        ("date=2026-02-30", "date"),
        ("date=2026-01-19T00:00:00Z", "date"),
        ("date=0001-01-01", "date"),
        ("date=9999-12-31", "date"),
        ("days=-1", "days"),
        ("days=1000000000", "days"),
        ("days=367", "days"),
        ("days=all", "days"),
        ("owner=me", "owner"),
        ("owner=0", "owner"),
        ("owner=-1", "owner"),
        ("owner=99999999999999999999", "owner"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(kam, query, parameter):
    answer = kam.get(f"/call/agenda/?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [parameter])


def test_a_strict_client_gets_400_for_unknown_parameters(kam):
    strict = {"Prefer": "handling=strict"}
    assert kam.get("/call/agenda/?tz=UTC&date=2026-01-19&owner=1&days=7", headers=strict).status_code == 200
    assert list(kam.get("/call/agenda/?dya=7", headers=strict).json()) == ["dya"]


# --- Against an oracle ----------------------------------------------------------------------------

DAYS = [
    ("Pacific/Kiritimati", date(2026, 1, 19)),  # UTC+14
    ("Pacific/Pago_Pago", date(2026, 1, 19)),  # UTC−11
    ("Asia/Kolkata", date(2026, 1, 19)),
    ("America/New_York", date(2026, 3, 8)),  # the clocks go forward
    ("America/New_York", date(2026, 11, 1)),  # and back
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # back, by half an hour
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # and forward
]


def midnight(day: date, zone: str) -> datetime:
    """By dateutil, which reads the zones by itself."""
    return datetime(day.year, day.month, day.day, tzinfo=gettz(zone)).astimezone(UTC)


@pytest.mark.parametrize(("zone", "day"), DAYS, ids=[f"{zone} {day}" for zone, day in DAYS])
@pytest.mark.parametrize("offset", [-SECOND, SECOND], ids=["before", "after"])
def test_the_lists_agree_with_an_oracle_around_midnight(user, lead, zone, day, offset):
    midnights = [midnight(day + timedelta(days=number), zone) for number in range(-2, 11)]
    moments = [moment + shift for moment in midnights for shift in (-SECOND, timedelta(0), SECOND)]
    CallPlan.objects.bulk_create(CallPlan(lead=lead, frequency="DAILY", next_call_date=moment) for moment in moments)
    WorkProfile.objects.create(user=user, time_zone=zone)

    with time_machine.travel(midnight(day, zone) + offset, tick=False):
        body = client_of(user).get("/call/agenda/").json()

    today = day - timedelta(days=offset < timedelta(0))
    expected = {"overdue": [], "today": [], "upcoming": []}
    for moment in moments:
        days_ahead = (moment.astimezone(gettz(zone)).date() - today).days
        if days_ahead <= 7:
            part = "overdue" if days_ahead < 0 else "upcoming" if days_ahead else "today"
            expected[part].append((moment.isoformat().replace("+00:00", "Z"), max(0, -days_ahead)))
    got = {
        part: [(entry["plan"]["next_call_date"], entry["days_overdue"]) for entry in body[part]] for part in expected
    }
    assert (body["date"], got) == (str(today), expected)


# --- Cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("leads", [3, 30])
def test_the_day_costs_the_same_queries_however_many_plans_there_are(kam, user, leads, django_assert_num_queries):
    for number in range(leads):
        lead = Restaurant.objects.create(name=f"Lead {number}", assigned_to=user)
        if number % 3:
            plan_for(lead, datetime(2026, 1, 18 + number % 3, tzinfo=UTC))
        person = Contact.objects.create(restaurant=lead, name="Asha Rao")
        say(lead, person)
        say(lead, person, "ORDER").write_order(product_details="units", quantity=1, total_price=1)
    with django_assert_num_queries(11):
        body = kam.get("/call/agenda/").json()
    assert sum(len(body[part]) for part in PARTS) == leads


# --- Leads that nobody looks after -----------------------------------------------------------------


def test_leads_without_an_active_owner_are_unattended_soonest_first(kam, ben):
    gone = get_user_model().objects.create_user("gone", is_active=False)
    unowned = Restaurant.objects.create(name="unowned")
    orphaned = Restaurant.objects.create(name="orphaned", assigned_to=gone)
    Restaurant.objects.create(name="Ben's", assigned_to=ben)
    Restaurant.objects.create(name="lost", lead_status="LOST")
    plan = plan_for(orphaned, "2026-01-18T10:00:00Z")
    first, second = kam.get("/call/agenda/").json()["unattended"]
    assert (first["lead"]["id"], first["plan"]["id"], first["days_overdue"]) == (orphaned.pk, plan.pk, 1)
    assert first["why"] == "gone is not active. 1 day overdue: due on 2026-01-18, never called."
    assert (second["lead"]["id"], second["plan"]) == (unowned.pk, None)
    assert second["why"] == "Nobody owns this lead. No call is planned for this lead."


def test_the_plan_of_an_unattended_lead_is_the_next_unpaused_one(kam):
    lead = Restaurant.objects.create(name="unowned")
    plan_for(lead, "2026-01-25T10:00:00Z")
    soonest = plan_for(lead, "2026-01-23T10:00:00Z")
    plan_for(lead, "2026-01-20T10:00:00Z").pause()
    (entry,) = kam.get("/call/agenda/").json()["unattended"]
    assert entry["plan"]["id"] == soonest.pk


def test_an_agenda_has_at_most_100_unattended_leads(kam):
    Restaurant.objects.bulk_create(Restaurant(name=f"Lead {number}") for number in range(101))
    assert len(kam.get("/call/agenda/").json()["unattended"]) == 100
    assert len(kam.get("/lead/restaurants/?assigned_to=none").json()) == 101


# --- Accounts at risk -------------------------------------------------------------------------------


def ordering(name: str, user, *days_ago: int, **fields) -> Restaurant:
    lead = Restaurant.objects.create(name=name, assigned_to=user, **fields)
    for days in days_ago:
        Interaction.log(lead=lead, interaction_type="ORDER", date=MOMENT - timedelta(days=days))
    return lead


def test_silent_and_late_accounts_without_a_call_are_at_risk_worst_first(kam, user):
    ordering("late", user, 30, 70, 80, 90)
    ordering("silent", user, 50, 60, 70, 80)
    ordering("due", user, 15, 25, 35, 45)
    ordering("lost", user, 50, 60, 70, 80, lead_status="LOST")
    ordering("another's", get_user_model().objects.create_user("ben"), 50, 60, 70, 80)
    entries = kam.get("/call/agenda/").json()["at_risk"]
    assert [entry["lead"]["name"] for entry in entries] == ["silent", "late"]
    assert [entry["account"]["verdict"] for entry in entries] == ["SILENT", "LATE"]
    assert (entries[0]["plan"], entries[0]["days_overdue"]) == (None, 0)


@pytest.mark.parametrize(("days", "listed"), [(-3, []), (7, []), (8, ["silent"])])
def test_an_account_with_a_call_due_in_seven_days_is_not_at_risk(kam, user, days, listed):
    plan_for(ordering("silent", user, 50, 60, 70, 80), MOMENT + timedelta(days=days))
    assert [entry["lead"]["name"] for entry in kam.get("/call/agenda/").json()["at_risk"]] == listed


def test_an_account_is_null_where_there_is_nothing_to_say(kam, lead):
    plan_for(lead, NOW)
    assert kam.get("/call/agenda/").json()["today"][0]["account"] is None
    lead.change_status("CONVERTED")
    assert kam.get("/call/agenda/").json()["today"][0]["account"]["verdict"] == "NEVER_ORDERED"
