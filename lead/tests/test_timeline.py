"""The timeline over the API: every entry once, newest first, by pages that do not shift; read by index."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from call.models import CallPlan
from contact.models import Contact
from crm.tests.support import body_of, client_of
from lead import timeline
from lead.models import Restaurant
from lead.timeline import Cursor, Timeline, Viewer
from track.models import Interaction

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
EMAIL = {"interaction_type": "EMAIL"}


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api(user):
    return client_of(user)


@pytest.fixture
def path(lead):
    return f"/lead/restaurants/{lead.pk}/timeline/"


@pytest.fixture
def account(lead, contact, plan, user, admin_user):
    """A lead with an entry of every type, an hour between them."""
    order = {"product_details": "Oil\nand salt", "quantity": 2, "total_price": Decimal("1234.50")}
    verbs = [
        lambda: Interaction.log(lead=lead, contact=contact, details="Sent\nit.", created_by=user, **EMAIL),
        lambda: plan.record_call(NOW + timedelta(hours=2), by=user, outcome="NO_ANSWER", contact_id=contact.pk),
        lambda: plan.skip(by=user, reason="Closed."),
        lambda: Interaction.log(lead=lead, interaction_type="ORDER", order=order),
        lambda: lead.edit(assigned_to=admin_user, by=user),
        lambda: lead.change_status("LOST", by=user, note="Too dear.", reason="PRICE"),
    ]
    for hour, verb in enumerate(verbs, 1):
        with time_machine.travel(NOW + timedelta(hours=hour), tick=False):
            verb()
    return lead


def pages(api, path, **query):
    """The entries of each page, by the links."""
    while path:
        answer = api.get(path, query)
        assert answer.status_code == 200
        yield answer.json()
        path, query = answer.get("Link", "").partition(">")[0].removeprefix("<http://testserver"), {}


def test_an_entry_has_its_text_its_user_and_the_row_of_its_list(api, path, account, user):
    entries = api.get(path).json()
    assert [list(entry) for entry in entries] == [["at", "type", "by", "text", "data"]] * 7
    assert [(entry["type"], entry["text"], entry["by"]) for entry in entries] == [
        ("STATUS", "Status: New → Lost (price): Too dear.", user.pk),
        ("OWNER", "Owner: kam → admin", user.pk),
        ("ORDER", "Order · Oil and salt · quantity 2 · 1,234.50", None),
        ("CALL", "Call of 29 Dec 2024 skipped: Closed.", user.pk),
        ("INTERACTION", "Call with Asha Rao: no answer", user.pk),
        ("INTERACTION", "Email with Asha Rao: Sent it.", user.pk),
        ("CONTACT", "Contact added: Asha Rao, Manager", None),
    ]
    lists = {
        "STATUS": f"/lead/restaurants/{account.pk}/status_history/",
        "OWNER": f"/lead/restaurants/{account.pk}/owner_history/",
        "ORDER": "/track/interactions/orders/",
        "INTERACTION": "/track/interactions/",
        "CALL": f"/call/{account.call_plans.get().pk}/history/",
        "CONTACT": "/contact/contacts/",
    }
    for entry in entries:
        assert entry["data"] in api.get(lists[entry["type"]]).json()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"types": "ORDER"}, 1),
        ({"types": "ORDER,CALL"}, 2),
        ({"types": "NOTE"}, 0),
        ({"after": "2024-12-28T13:30:00Z"}, 3),
        ({"before": "2024-12-28T13:30:00Z"}, 4),
        ({"after": "2024-12-28", "tz": "Asia/Kolkata"}, 7),
        ({"before": "2024-12-28", "tz": "Asia/Kolkata"}, 0),
    ],
)
def test_types_and_bounds_narrow_the_timeline(api, path, account, query, count):
    assert len(api.get(path, query).json()) == count


def test_dates_in_texts_are_in_the_requested_zone(api, path, account):
    [entry] = api.get(path, {"types": "CALL", "tz": "America/Lima"}).json()
    assert entry["text"] == "Call of 28 Dec 2024 skipped: Closed."


@pytest.mark.parametrize(
    ("query", "name"),
    [({"types": "X"}, "types"), ({"after": "x"}, "after"), ({"cursor": "x"}, "cursor"), ({"cursor": "1-X-1"}, "cursor")]
    + [({"page_size": "0"}, "page_size"), ({"page_size": "1001"}, "page_size"), ({"tz": "X"}, "tz")],
)
def test_an_invalid_parameter_is_named(api, path, query, name):
    answer = api.get(path, query)
    assert (answer.status_code, list(answer.json())) == (400, [name])


def test_an_unknown_parameter_is_refused_strictly(api, path):
    answer = api.get(path, {"ordering": "at", "cursor": ""}, headers={"Prefer": "handling=strict"})
    assert answer.json() == {"ordering": ["Unknown parameter."]}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_hold_every_entry_once(api, path, account, size):
    found = list(pages(api, path, page_size=size))
    assert sum(found, []) == api.get(path).json()
    assert {len(page) for page in found[:-1]} <= {size}


def test_rows_added_and_deleted_between_pages_shift_nothing(api, path, lead):
    rows = [Interaction.log(lead=lead, details=f"{number}", **EMAIL) for number in range(6)]
    following = pages(api, path, page_size=2)
    assert [entry["data"]["details"] for entry in next(following)] == ["5", "4"]
    Interaction.log(lead=lead, details="new", date=NOW + timedelta(hours=1), **EMAIL)
    rows[5].delete()
    rows[3].delete()
    assert [entry["data"]["details"] for entry in next(following)] == ["2", "1"]
    assert [entry["data"]["details"] for entry in next(following)] == ["0"]


def test_the_logs_of_several_plans_are_one_timeline(api, path, lead):
    plans = [CallPlan.objects.create(lead=lead, frequency="DAILY") for _ in range(3)]
    for number in range(9):
        with time_machine.travel(NOW + timedelta(minutes=number), tick=False):
            plans[number % 3].pause() or plans[number % 3].resume()
    found = [entry["data"]["id"] for page in pages(api, path, page_size=2) for entry in page]
    assert len(found) == len(set(found)) == 9
    assert found == [entry["data"]["id"] for entry in api.get(path).json()]


def test_another_leads_rows_are_in_its_own_timeline(api, path, account):
    other = Restaurant.objects.create(name="Cantina")
    Contact.objects.create(restaurant=other, name="Ben")
    assert len(api.get(path).json()) == 7


def test_a_missing_lead_has_no_timeline(api, lead):
    assert api.get("/lead/restaurants/999/timeline/").status_code == 404


def test_a_whole_long_timeline_is_streamed(api, path, lead, monkeypatch):
    monkeypatch.setattr("crm.api.lists.WHOLE", 10)
    monkeypatch.setattr("lead.views.CHUNK", 4)
    Interaction.objects.bulk_create(Interaction(lead=lead, details=f"{n}", **EMAIL) for n in range(25))
    answer = api.get(path)
    assert answer.streaming
    assert [entry["data"]["details"] for entry in body_of(answer)] == [f"{n}" for n in reversed(range(25))]


@pytest.mark.parametrize("rows", [3, 30])
def test_a_page_costs_two_queries_and_those_of_its_sources(api, path, lead, plan, rows, django_assert_num_queries):
    for number in range(rows):
        Interaction.log(lead=lead, **EMAIL)
        plan.skip()
        Contact.objects.create(restaurant=lead, name=f"Asha {number}")
    with django_assert_num_queries(9):  # the lead, its call plans, six sources
        api.get(path, {"page_size": 1000})


@pytest.mark.parametrize("cursor", [None, Cursor(NOW, "CALL", 5)])
def test_every_source_is_read_in_the_order_of_an_index(lead, plan, user, cursor):
    found = Timeline(lead.pk, Viewer(user, UTC))
    for source in timeline.sources.values():
        rows = source.newest(lead.pk, found.viewer, found.condition(source, cursor), 50)
        with transaction.atomic(), connection.cursor() as settings:
            if connection.vendor == "postgresql":  # which sorts small tables, unless that is made dear
                settings.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
                settings.execute("SET LOCAL enable_bitmapscan = off")
            plan = rows.explain()
        assert "Sort" not in plan and "TEMP B-TREE" not in plan, f"{source.kind}: {plan}"


def test_a_type_has_one_source():
    with pytest.raises(ImproperlyConfigured):
        timeline.subscribe(timeline.Source(**{**vars(timeline.STATUS), "at": "updated_at"}))


instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@settings(max_examples=50, deadline=None)
@given(instants, st.sampled_from(timeline.EntryType.values), st.integers(1, 2**63 - 1))
def test_a_cursor_is_read_as_it_was_written(at, type, pk):
    assert Cursor.parse(str(Cursor(at, type, pk))) == (at, type, pk)
