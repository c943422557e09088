"""The board of the pipeline: which cards are where and in what order, what is counted, and that a move is done once."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.accounts.roles import grant
from backoffice.tests.support import messages_of, staff, text_of
from call.models import CallPlan
from crm.api.exceptions import Conflict
from lead.models import LeadStatus, Restaurant, StatusChange, Team

PATH = "/admin/pipeline/"
NOW = datetime(2026, 1, 19, 9, tzinfo=UTC)
SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture(autouse=True)
def roles(db):
    """As the migrations made them; tests that empty all tables delete them."""
    grant(apps, "default")


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def kam(user):
    """The user of the fixtures, as one of the group KAM signs in to the back office."""
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="KAM"))
    return user


@pytest.fixture
def colleague(db):
    return get_user_model().objects.create_user("ben")


@pytest.fixture
def browser(kam, client):
    client.force_login(kam)
    return client


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def lead_of(owner=None, status="NEW", *, days=0, here=0, **fields) -> Restaurant:
    """A lead that was created so many days ago as NEW and is in the status since `here` days."""
    lead = Restaurant.objects.create(
        **{"name": f"Lead {Restaurant.objects.count()}", "assigned_to": owner, **fields},
        created_at=days_ago(days or here),
    )
    if status != "NEW":
        with time_machine.travel(days_ago(here), tick=False):
            lead.change_status(status)
    return lead


def board(browser, **query) -> dict:
    """The columns that are not empty, by status."""
    columns = browser.get(PATH, query).context["columns"]
    assert [column.status for column in columns] == LeadStatus.values
    return {column.status: column for column in columns if column.cards or column.leads}


def names(browser, **query) -> dict[str, list[str]]:
    return {status: [card.lead.name for card in column.cards] for status, column in board(browser, **query).items()}


def move(browser, lead, status, *, key="move-1", seen=None, script=True, query="", **fields):
    """Post what a card's form posts."""
    body = {"key": key, "seen": seen or lead.lead_status, "status": status, **fields}
    return browser.post(f"{PATH}{lead.pk}/move/{query}", body, headers=SCRIPT if script else {})


def status_of(lead) -> str:
    return Restaurant.objects.values_list("lead_status", flat=True).get(pk=lead.pk)


def message_of(answer) -> str:
    return unescape(re.search(r"data-message>(.*?)</p>", answer.content.decode())[1])


# --- Columns and cards --------------------------------------------------------------------------------


def test_a_column_counts_its_leads_and_sums_their_revenue(browser, kam):
    for revenue in (1_000_000, Decimal("234.50"), None):
        lead_of(kam, "CONTACTED", potential_revenue=revenue)
    lead_of(kam, "LOST")
    columns = board(browser)
    assert {status: (each.count, each.revenue) for status, each in columns.items()} == {
        "CONTACTED": ("3", "1,000,234.50"),
        "LOST": ("1", "0"),
    }


def test_a_card_says_where_whose_how_much_and_since_when(browser, kam):
    lead_of(kam, "CONTACTED", days=40, here=12.5, name="Bistro Anna", city="Pune", potential_revenue=50_000)
    card = re.search(r'<li class="lead-card.*?</li>', text_of(browser.get(PATH)))[0]
    words = " ".join(re.sub("<[^>]*>", " ", card).split())
    assert words == "Bistro Anna Pune · kam 50,000 12 days here Move"


@pytest.mark.parametrize(
    ("status", "days", "said"),
    [
        ("NEW", 0.9, "Under a day here"),
        ("NEW", 1, "1 day here"),
        ("CONTACTED", 30, "30 days here"),
        ("LOST", 1200, "1,200 days here"),
    ],
)
def test_days_are_counted_from_the_last_change_of_status(status, days, said, browser, kam):
    lead_of(kam, status, days=days + (status != "NEW"), here=days)
    [card] = board(browser)[status].cards
    assert card.time == said


def test_of_several_changes_the_last_one_counts(browser, kam):
    lead = lead_of(kam, "CONTACTED", days=50, here=40)
    with time_machine.travel(days_ago(7), tick=False):
        lead.change_status("NEGOTIATING")
    assert board(browser)["NEGOTIATING"].cards[0].time == "7 days here"


def test_open_leads_come_longest_in_status_first_others_latest(browser, kam):
    for status in ("NEW", "NEGOTIATING", "CONVERTED", "LOST"):
        for here in (5, 20, 10):
            lead_of(kam, status, days=20 + 30 / here, here=here if status != "NEW" else 0, name=f"{status} {here}")
    columns = names(browser)
    assert columns["NEGOTIATING"] == ["NEGOTIATING 20", "NEGOTIATING 10", "NEGOTIATING 5"]
    assert columns["CONVERTED"] == ["CONVERTED 5", "CONVERTED 10", "CONVERTED 20"]
    assert columns["LOST"] == ["LOST 5", "LOST 10", "LOST 20"]
    assert columns["NEW"] == ["NEW 5", "NEW 10", "NEW 20"]  # by their creation


def test_stale_cards_are_those_that_the_api_calls_stale(browser, api, kam):
    for status in LeadStatus.values:
        for here in (3, 60):
            lead_of(kam, status, here=here)
    planned = lead_of(kam, here=60)
    CallPlan.objects.create(lead=planned, frequency="WEEKLY", next_call_date=NOW)
    stale = {row["id"] for row in api.get("/lead/restaurants/?stale=1").json()}
    shown = {card.lead.pk for column in board(browser).values() for card in column.cards if card.is_stale}
    assert len(shown) == 4
    assert shown == stale


@pytest.mark.parametrize("access", ["all", "team", "own"])
def test_the_page_costs_the_same_queries_for_3_and_30_leads(access, browser, kam, settings):
    settings.ACCESS = access
    Team.establish(name="North", members=[kam.pk])
    counts = []
    for many in (3, 27):
        for number in range(many):
            lead_of(kam, LeadStatus.values[number % 3], here=number)
        browser.get(PATH)
        with CaptureQueriesContext(connection) as queries:
            browser.get(PATH)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 19


def test_an_empty_board_says_so_in_each_column(browser):
    assert text_of(browser.get(PATH)).count("No leads.") == 6


def test_the_navigation_leads_to_the_board(browser):
    assert f'href="{PATH}"' in text_of(browser.get("/admin/my-day/"))


def test_users_who_may_not_see_leads_have_no_board(client):
    client.force_login(staff("contact.view_contact"))
    assert client.get(PATH).status_code == 403
    assert PATH not in text_of(client.get("/admin/"))


# --- Further cards ------------------------------------------------------------------------------------


@pytest.fixture
def fifty(kam) -> list[str]:
    """The names of fifty new leads, in the order of the column; two at a time have the same age."""
    return [lead_of(kam, days=100 - number // 2, name=f"Lead {number}").name for number in range(50)]


def link_of(answer) -> str:
    """What "Show more" leads to; empty where there is no such link."""
    found = re.search(r'data-more href="([^"#]*)', answer.content.decode())
    return unescape(found[1]) if found else ""


def test_a_column_leads_on_by_key_until_its_end(browser, fifty):
    answer = browser.get(PATH)
    shown = [card.lead.name for card in answer.context["columns"][0].cards]
    Restaurant.objects.get(name="Lead 3").delete()
    while link := link_of(answer):
        answer = browser.get(link, headers=SCRIPT)
        assert "<html" not in answer.content.decode()
        shown += re.findall(r'class="name"[^>]*>([^<]*)<', answer.content.decode())
    assert shown == fifty


def test_without_a_script_the_column_begins_further_down(browser, kam, fifty):
    lead_of(kam, "LOST", name="Gone")
    answer = browser.get(link_of(browser.get(PATH)))
    columns = {column.status: [card.lead.name for card in column.cards] for column in answer.context["columns"]}
    assert columns["NEW"] == fifty[20:40]
    assert columns["LOST"] == ["Gone"]
    assert "From the beginning" in text_of(answer)


def test_latest_first_leads_on_too(browser, kam):
    made = [lead_of(kam, "LOST", here=number, name=f"Lead {number}").name for number in range(25)]
    first = browser.get(PATH)
    more = browser.get(link_of(first), headers=SCRIPT).content.decode()
    shown = [card.lead.name for card in first.context["columns"][-1].cards]
    assert shown + re.findall(r'class="name"[^>]*>([^<]*)<', more) == made


def test_further_cards_cost_few_queries(browser, fifty, django_assert_max_num_queries):
    link = link_of(browser.get(PATH))
    with django_assert_max_num_queries(7):
        browser.get(link, headers=SCRIPT)


@pytest.mark.parametrize("headers", [SCRIPT, {}])
def test_a_forged_cursor_is_not_found(headers, browser, fifty):
    assert browser.get(PATH, {"column": "NEW", "cursor": "nonsense"}, headers=headers).status_code == 404


def test_further_cards_of_an_unknown_status_are_not_found(browser):
    assert browser.get(PATH, {"column": "WON"}, headers=SCRIPT).status_code == 404


# --- Filters ------------------------------------------------------------------------------------------


@pytest.fixture
def leads(kam, colleague):
    for name, owner, city in [("Own", kam, "Malmö"), ("Other", colleague, "Pune"), ("Unowned", None, "malmo")]:
        lead_of(owner, name=name, city=city)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"Own"}),
        ({"whose": "mine"}, {"Own"}),
        ({"whose": "all"}, {"Own", "Other", "Unowned"}),
        ({"whose": "nonsense"}, {"Own"}),
        ({"whose": "all", "city": "MALMO"}, {"Own", "Unowned"}),
        ({"whose": "all", "city": "alm"}, {"Own", "Unowned"}),
        ({"whose": "all", "city": "Oslo"}, set()),
        ({"owner": "ben"}, {"Other"}),
        ({"owner": "BEN", "whose": "mine"}, {"Other"}),
        ({"owner": "ben", "city": "malmo"}, set()),
        ({"owner": " "}, {"Own"}),
    ],
)
def test_a_filter_shows_its_leads_alone(query, shown, browser, leads):
    assert {name for column in names(browser, **query).values() for name in column} == shown


def test_the_choice_of_all_leads_outlasts_the_session(browser, kam, leads):
    assert len(names(browser)["NEW"]) == 1
    answer = browser.post(f"{PATH}?city=malmo&owner=ben", {"whose": "all"})
    assert answer["Location"] == f"{PATH}?city=malmo"
    browser.logout()
    browser.force_login(kam)
    assert len(names(browser)["NEW"]) == 3
    browser.post(PATH, {"whose": "mine"})
    assert len(names(browser)["NEW"]) == 1


def test_an_address_that_says_whose_changes_no_choice(browser, leads):
    assert len(names(browser, whose="all")["NEW"]) == 3
    assert len(names(browser)["NEW"]) == 1


def test_an_owner_is_filtered_by_without_changing_the_choice(browser, leads):
    names(browser, owner="ben")
    assert names(browser) == {"NEW": ["Own"]}


def test_a_user_without_leads_sees_all_at_first(browser, kam, leads):
    Restaurant.objects.filter(assigned_to=kam).release()
    assert names(browser) == {}  # as the lists of a KAM
    kam.groups.set(Group.objects.filter(name="Manager"))
    assert len(names(browser)["NEW"]) == 3


def test_a_team_is_its_members_and_those_of_teams_below(browser, kam, colleague, leads):
    top = Team.establish(name="Region", managers=[kam.pk])
    north = Team.establish(name="North", parent=top, members=[colleague.pk])
    Team.establish(name="City", parent=north, members=[kam.pk])
    south = Team.establish(name="South", parent=top)
    assert set(names(browser, team=top.pk)["NEW"]) == {"Own", "Other"}
    assert names(browser, team=south.pk) == {}


def test_only_teams_that_one_may_see_can_be_chosen(browser, colleague, leads):
    team = Team.establish(name="Night shift", members=[colleague.pk])
    page = browser.get(PATH, {"team": team.pk})
    assert "Night shift" not in text_of(page)
    assert page.context["filters"].errors["team"]
    assert not any(column.cards or column.leads for column in page.context["columns"])


def test_an_owner_whose_leads_are_hidden_is_as_one_who_is_none(browser, leads, settings):
    settings.ACCESS = "own"
    pages = [text_of(browser.get(PATH, {"owner": name})) for name in ("ben", "nil")]
    hidden, missing = (re.sub(r'csrf.*?>|value="(ben|nil)"|owner=(ben|nil)', "", page) for page in pages)
    assert "No user whose leads you see is called that." in hidden
    assert hidden == missing


def test_owners_are_suggested_whose_leads_one_sees(browser, leads, settings):
    assert '<option value="ben">' in text_of(browser.get(PATH))
    settings.ACCESS = "own"
    assert '<option value="ben">' not in text_of(browser.get(PATH))


def test_hidden_leads_are_neither_shown_nor_counted(browser, leads, settings):
    settings.ACCESS = "own"
    columns = board(browser, whose="all")
    assert columns["NEW"].leads == 1
    assert names(browser, whose="all") == {"NEW": ["Own"]}


def test_links_and_forms_stay_on_the_filtered_board(browser, fifty):
    page = text_of(browser.get(PATH, {"whose": "all", "city": ""}))
    assert f"{PATH}?whose=all&amp;column=NEW&amp;cursor=" in page
    assert re.search(rf"{PATH}\d+/move/\?whose=all", page)
    assert '<input type="hidden" name="whose" value="all">' in page


# --- Moves --------------------------------------------------------------------------------------------


@pytest.fixture
def lead(kam):
    return lead_of(kam, days=9, name="Bistro Anna", potential_revenue=500)


@pytest.mark.parametrize("status", ["CONTACTED", "MEETING_SCHEDULED", "NEGOTIATING", "CONVERTED"])
def test_a_move_is_a_change_of_status_with_its_history(status, browser, lead, kam):
    answer = move(browser, lead, status)
    assert answer.status_code == 200
    assert status_of(lead) == status
    change = StatusChange.objects.get()
    assert (change.old_status, change.new_status, change.created_by) == ("NEW", status, kam)
    assert f'data-status="{status}"' in text_of(answer)
    assert message_of(answer) == f"Bistro Anna was moved from “New” to “{LeadStatus(status).label.capitalize()}”."


def test_the_answer_has_the_figures_of_the_filtered_board(browser, lead):
    lead_of(None, "CONTACTED", potential_revenue=70, city="Pune")
    lead_of(None, "CONTACTED", potential_revenue=1, city="Oslo")
    lead.edit(city="Pune")
    heads = text_of(move(browser, lead, "CONTACTED", query="?whose=all&city=pune"))
    figures = re.findall(r'<h2 [^>]*>([^<]*)</h2>.*?class="count">(.*?)<.*?class="sum">(.*?)<', heads)
    assert figures[:2] == [("New", "0", "0"), ("Contacted", "2", "570")]


def test_a_move_is_among_the_recent_actions(browser, lead):
    move(browser, lead, "CONTACTED")
    assert "Status changed from New to Contacted." in text_of(browser.get("/admin/recent/"))


def test_a_move_sent_twice_is_made_once(browser, lead):
    first, second = (move(browser, lead, "CONTACTED") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert message_of(first) == message_of(second)
    assert StatusChange.objects.count() == 1


def test_another_move_with_the_same_key_is_refused(browser, lead):
    move(browser, lead, "CONTACTED")
    answer = move(browser, lead, "LOST", seen="CONTACTED", reason="PRICE")
    assert answer.status_code == 409
    assert status_of(lead) == "CONTACTED"


def test_a_lead_that_a_colleague_has_moved_stays_where_it_is(browser, lead, colleague):
    Restaurant.objects.get(pk=lead.pk).change_status("NEGOTIATING", by=colleague)
    answer = move(browser, lead, "CONTACTED", seen="NEW")
    assert answer.status_code == 409
    assert message_of(answer) == "ben moved Bistro Anna to “Negotiating” on 19 Jan 09:00. Nothing was changed now."
    assert status_of(lead) == "NEGOTIATING"
    assert StatusChange.objects.count() == 1
    assert 'data-status="NEGOTIATING"' in text_of(answer)  # so that the script puts the card there


def test_what_one_has_done_on_another_device_is_said(browser, lead):
    move(browser, lead, "CONTACTED")
    answer = move(browser, lead, "LOST", key="move-2", seen="NEW", reason="PRICE")
    assert message_of(answer).startswith("You moved Bistro Anna to “Contacted” on 19 Jan 09:00 already.")


def test_a_status_that_changed_without_a_history_is_said(browser, lead):
    Restaurant.objects.filter(pk=lead.pk).update(lead_status="LOST")
    answer = move(browser, lead, "CONTACTED", seen="NEW")
    assert message_of(answer) == "Bistro Anna is in “Lost” by now. Nothing was changed."


def test_a_simultaneous_change_is_said_and_the_key_stays_free(browser, lead, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Restaurant, "change_status", lambda *args, **options: (_ for _ in ()).throw(Conflict()))
        answer = move(browser, lead, "CONTACTED")
    assert (answer.status_code, status_of(lead)) == (409, "NEW")
    assert move(browser, lead, "CONTACTED").status_code == 200


def test_lost_without_a_reason_is_refused(browser, lead):
    answer = move(browser, lead, "LOST", note="No budget.")
    assert answer.status_code == 400
    assert message_of(answer) == "Reason: choose why the lead was lost."
    assert status_of(lead) == "NEW"


def test_lost_takes_the_reason_and_a_note(browser, lead):
    assert move(browser, lead, "LOST", reason="PRICE", note="No budget.").status_code == 200
    change = StatusChange.objects.get()
    assert (change.new_status, change.reason, change.note) == ("LOST", "PRICE", "No budget.")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"status": "WON"}, "Status"),
        ({"status": ""}, "Status"),
        ({"seen": "WON"}, "Seen"),
        ({"key": ""}, "Key"),
        ({"key": "a key"}, "Key"),
        ({"reason": "PRICE"}, "Reason"),
        ({"status": "LOST", "reason": "WEATHER"}, "Reason"),
        ({"status": "LOST", "reason": "PRICE", "note": "x" * 20_001}, "Note, if wanted"),
    ],
)
def test_a_wrong_field_is_named_and_changes_nothing(fields, name, browser, lead):
    answer = move(browser, lead, **{"status": "CONTACTED", **fields})
    assert answer.status_code == 400
    assert message_of(answer).startswith(f"{name}: ")
    assert status_of(lead) == "NEW"


def test_a_move_to_where_the_lead_is_changes_nothing(browser, lead):
    assert message_of(move(browser, lead, "NEW")) == "Bistro Anna is in “New” already."
    assert not StatusChange.objects.exists()


def undo(browser, answer):
    """Submits the form that the answer offers."""
    form = re.search(r'<form method="post" class="undo".*?</form>', answer.content.decode(), re.DOTALL)[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    return browser.post(unescape(re.search('action="([^"]*)"', form)[1]), fields, headers=SCRIPT)


def test_undo_moves_back_and_the_history_has_both(browser, lead):
    answer = undo(browser, move(browser, lead, "CONVERTED"))
    assert answer.status_code == 200
    assert status_of(lead) == "NEW"
    moves = StatusChange.objects.order_by("id").values_list("old_status", "new_status")
    assert list(moves) == [("NEW", "CONVERTED"), ("CONVERTED", "NEW")]


@pytest.mark.parametrize("reason", ["COMPETITOR", ""])
def test_undo_takes_a_lost_lead_back_with_its_reason(reason, browser, lead):
    lead.change_status("LOST", reason=reason)
    assert undo(browser, move(browser, lead, "NEW")).status_code == 200
    assert StatusChange.objects.order_by("id").values_list("new_status", "reason").last() == ("LOST", reason)


def test_without_a_script_a_page_offers_the_statuses(browser, lead):
    page = browser.get(f"{PATH}{lead.pk}/move/?whose=all")
    offered = re.findall(r'<button name="status" value="(\w+)"', page.content.decode())
    assert offered == ["CONTACTED", "MEETING_SCHEDULED", "NEGOTIATING", "CONVERTED", "LOST"]
    assert f'href="{PATH}?whose=all#card-{lead.pk}"' in text_of(page)


def test_a_lost_lead_moves_without_a_reason(browser, kam):
    page = browser.get(f"{PATH}{lead_of(kam, 'LOST').pk}/move/")
    assert 'name="reason"' not in text_of(page)


def test_without_a_script_the_board_comes_back_with_a_message(browser, lead):
    answer = move(browser, lead, "CONTACTED", script=False, query="?whose=all&city=x")
    assert answer["Location"] == f"{PATH}?city=x&whose=all#card-{lead.pk}"
    assert messages_of(browser.get(PATH)) == ["Bistro Anna was moved from “New” to “Contacted”."]
    move(browser, lead, "CONTACTED", script=False, query="?whose=all&city=x", seen="NEW")
    assert messages_of(browser.get(PATH)) == ["This move was made before. Nothing was changed a second time."]


@pytest.mark.parametrize("script", [True, False])
def test_read_only_sees_no_buttons_and_is_refused(script, client, reader, lead):
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    page = text_of(client.get(PATH))
    assert "Bistro Anna" in page
    assert "/move/" not in page and 'draggable="true"' not in page and "<dialog" not in page
    assert move(client, lead, "CONTACTED", script=script).status_code == 403
    assert client.get(f"{PATH}{lead.pk}/move/").status_code == 403
    assert status_of(lead) == "NEW"


@pytest.mark.parametrize("script", [True, False])
def test_a_hidden_lead_is_moved_as_little_as_a_missing_one(script, browser, colleague, settings):
    settings.ACCESS = "own"
    hidden = lead_of(colleague)
    for status in ("CONTACTED", "LOST", "WON"):
        assert move(browser, hidden, status, script=script).status_code == 404
    assert browser.get(f"{PATH}{hidden.pk}/move/").status_code == 404
    assert status_of(hidden) == "NEW"
    hidden.pk += 1000
    assert move(browser, hidden, "CONTACTED", script=script).status_code == 404


def test_a_session_that_ended_leads_to_the_login_and_back(client, lead):
    answer = client.post(f"{PATH}{lead.pk}/move/", {"status": "LOST"})
    assert answer["Location"] == f"/admin/login/?next={PATH}{lead.pk}/move/"
