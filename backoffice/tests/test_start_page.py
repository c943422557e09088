"""The start page shows what the rows give, and every figure leads to the list of just those rows."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from types import SimpleNamespace

import pytest
import redis
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db.models import Sum

from backoffice.dashboard import cache as figures_cache
from call.models import CallPlan, WorkProfile
from crm.db.models import TimestampedQuerySet
from lead.models import Restaurant
from track.models import Interaction, QuietMark

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)  # a Wednesday


@pytest.fixture(autouse=True)
def no_memory():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def now(db):
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def staff(now, client, admin_user):
    client.force_login(admin_user)
    return client


def staff_user(username: str, *permissions: str, zone: str = ""):
    user = get_user_model().objects.create_user(username, is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    if zone:
        WorkProfile.objects.create(user=user, time_zone=zone)
    return user


def account(owner=None, status: str = "NEW", revenue: int | Decimal | None = None, name: str = "Bistro") -> Restaurant:
    lead = Restaurant.objects.create(name=name, assigned_to=owner, potential_revenue=revenue)
    lead.change_status(status)
    return lead


def plan(lead: Restaurant, due: datetime) -> CallPlan:
    return CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date=due)


def order(lead: Restaurant, date: datetime, price: str) -> Interaction:
    details = {"product_details": "Oil", "quantity": 1, "total_price": Decimal(price)}
    return Interaction.log(lead=lead, interaction_type="ORDER", date=date, order=details)


def fill(count: int) -> None:
    """Rows behind every figure, each with an owner of its own."""
    for number in range(count):
        lead = account(staff_user(f"owner {number:02}"), "CONVERTED", 1000 + number, f"Bistro {number:02}")
        plan(lead, NOW - timedelta(days=number % 3 - 1))
        order(lead, NOW - timedelta(weeks=number, days=61), "12.50")


def links(page: str) -> dict[str, str]:
    """What the links say, and where they lead."""
    named = re.findall('<a href="([^"]*)" aria-label="([^"]*)"', page)
    drawn = re.findall('<a href="([^"]*)">(<rect.*?)</a>', page)
    named += [(url, ": ".join(re.findall(">([^<>]+)</text>", words))) for url, words in drawn]
    strong = re.findall('<a href="([^"]*)"><strong>([^<]*)</strong>', page)
    return {unescape(words): unescape(url) for url, words in [*named, *strong]}


def words_of(page: str, start: str) -> list[str]:
    return [words.removeprefix(start) for words in links(page) if words.startswith(start)]


def rows_of(client, url: str):
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.context_data["cl"].queryset


# --- Pipeline -------------------------------------------------------------------------------------


def test_the_pipeline_shows_leads_and_potential_revenue_by_status(staff):
    account(revenue=Decimal("1200.50"))
    account(revenue=300)
    account(status="NEGOTIATING")
    account(status="LOST", revenue=2_000_000)
    page = staff.get("/admin/").text
    assert [words for words in links(page) if re.search(r": \d+ leads? · ", words)] == [
        "New: 2 leads · 1,500.50",
        "Contacted: 0 leads · 0",
        "Meeting scheduled: 0 leads · 0",
        "Negotiating: 1 lead · 0",
        "Converted: 0 leads · 0",
        "Lost: 1 lead · 2,000,000",
    ]
    assert "<strong>4 leads</strong></a> · 2,001,500.50 potential revenue" in page


# --- Calls ----------------------------------------------------------------------------------------


def test_calls_are_counted_by_owner_and_due_date(staff):
    asha, john = staff_user("asha"), staff_user("john")
    today = NOW.replace(hour=0)
    for days in (-3, -1, 0, 1, 7):
        plan(account(asha), today + timedelta(days=days))
    plan(account(asha), today + timedelta(days=8))
    plan(account(john), today + timedelta(days=1, seconds=-1))
    plan(account(), today)
    page = staff.get("/admin/").text
    assert words_of(page, "asha: ") == ["2 overdue", "1 today", "2 in the next 7 days"]
    assert words_of(page, "john: ") == ["0 overdue", "1 today", "0 in the next 7 days"]
    assert words_of(page, "Unowned: ") == ["0 overdue", "1 today", "0 in the next 7 days"]
    assert words_of(page, "All: ") == ["2 overdue", "3 today", "2 in the next 7 days"]


def test_paused_plans_and_lost_leads_are_not_called(staff):
    plan(account(), NOW).pause()
    plan(account(status="LOST"), NOW)
    assert "No calls are due." in staff.get("/admin/").text


def test_of_many_owners_those_with_most_overdue_are_named(staff):
    for number in range(13):
        owner = staff_user(f"owner {number:02}")
        for _ in range(13 - number):
            plan(account(owner), NOW - timedelta(days=1))
    page = staff.get("/admin/")
    assert [row["name"] for row in page.context["calls"]["owners"]] == [f"owner {number:02}" for number in range(10)]
    assert page.context["calls"]["others"] == 3
    assert [cell["count"] for cell in page.context["calls"]["other_cells"]] == ["6", "0", "0"]
    assert words_of(page.text, "All: ")[0] == "91 overdue"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Asia/Kolkata", ["1 overdue", "1 today", "0 in the next 7 days"]),  # 00:30 on the 15th
        ("UTC", ["0 overdue", "1 today", "1 in the next 7 days"]),  # 19:00 on the 14th
    ],
)
def test_days_are_in_the_zone_of_the_viewer(zone, words, now, client):
    now.move_to(NOW.replace(hour=19))
    viewer = staff_user("viewer", "call.view_callplan", zone=zone)
    plan(account(), datetime(2026, 1, 14, 18, tzinfo=UTC))  # 23:30 on the 14th in Kolkata
    plan(account(), datetime(2026, 1, 15, 6, tzinfo=UTC))
    client.force_login(viewer)
    assert words_of(client.get("/admin/").text, "All: ") == words


# --- Orders ---------------------------------------------------------------------------------------


def test_orders_and_revenue_are_shown_for_53_weeks(staff):
    lead = account()
    order(lead, datetime(2025, 12, 28, 23, 59, 59, tzinfo=UTC), "10.00")  # Sunday
    order(lead, datetime(2025, 12, 29, tzinfo=UTC), "20.25")  # Monday of week 1 of 2026
    order(lead, datetime(2026, 1, 4, 23, 59, 59, tzinfo=UTC), "1000")
    order(lead, datetime(2026, 1, 18, 23, tzinfo=UTC), "5")  # still this week
    order(lead, datetime(2025, 1, 13, tzinfo=UTC), "7")  # the first day shown
    for outside in (datetime(2025, 1, 12, 23, 59, 59, tzinfo=UTC), datetime(2026, 1, 19, tzinfo=UTC)):
        order(lead, outside, "99")
    page = staff.get("/admin/").text
    weeks = [words for words in links(page) if words.startswith("Week ")]
    assert len(weeks) == 2 * 53
    assert [words for words in weeks if not re.search(": 0( orders)?$", words)] == [
        "Week 3, from 13 Jan 2025: 1 order",
        "Week 52, from 22 Dec 2025: 1 order",
        "Week 1, from 29 Dec 2025: 2 orders",
        "Week 3, from 12 Jan 2026: 1 order",
        "Week 3, from 13 Jan 2025: 7",
        "Week 52, from 22 Dec 2025: 10",
        "Week 1, from 29 Dec 2025: 1,020.25",
        "Week 3, from 12 Jan 2026: 5",
    ]
    assert "<strong>5 orders</strong></a> · 1,042.25 in a year" in page


@pytest.mark.parametrize(
    ("zone", "week"),
    [
        ("America/New_York", "Week 10, from 2 Mar 2026"),
        ("Europe/Berlin", "Week 11, from 9 Mar 2026"),
    ],
)
def test_weeks_begin_at_the_viewers_midnight_at_dst_changes(zone, week, now, client):
    now.move_to(datetime(2026, 3, 20, 12, tzinfo=UTC))
    order(account(), datetime(2026, 3, 9, 3, 59, tzinfo=UTC), "5")  # New York: the day of its change, 23:59
    client.force_login(staff_user("viewer", "track.view_orderdetails", zone=zone))
    assert f"{week}: 1 order" in links(client.get("/admin/").text)


# --- Accounts by verdict --------------------------------------------------------------------------


def test_accounts_are_counted_by_verdict_worst_first(staff):
    late = account(None, "NEW", name="Late")
    for days in (30, 70, 80, 90):
        order(late, NOW - timedelta(days=days), "5")
    account(None, "CONVERTED", name="Never")
    account(None, "NEGOTIATING", name="No account yet")
    QuietMark.set(account(None, "CONVERTED", name="Quiet"), (NOW + timedelta(days=9)).date())
    page = staff.get("/admin/")
    assert "<strong>3 accounts</strong>" in page.text
    found = links(page.text)
    for verdict in ("Late: 1 account", "Never ordered: 1 account", "Quiet: 1 account", "Silent: 0 accounts"):
        assert verdict in found
    assert list(rows_of(staff, found["Late: 1 account"])) == [late]


# --- Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_every_figure_leads_to_a_list_of_as_many_rows(zone, now, client, admin_user, request):
    WorkProfile.objects.create(user=admin_user, time_zone=zone)
    asha = staff_user("asha")
    for hours in range(-24 * 12, 24 * 12, 11):
        lead = account(asha if hours % 2 else None, "LOST" if hours % 5 == 0 else "CONVERTED", 400 + hours)
        plan(lead, NOW + timedelta(hours=hours))
        order(lead, NOW + timedelta(hours=20 * hours), "3.50")
    client.force_login(admin_user)
    found = links(client.get("/admin/").text)
    assert len(found) > 2 * 53 + 6 + 9 + 6
    request.getfixturevalue("unrendered")  # the next test opens these pages
    for words, url in found.items():
        rows = rows_of(client, url)
        figure, *what = words.split(": ")[-1].replace(",", "").split(" ")
        if what:
            assert int(figure) == rows.count(), (words, url)
        else:
            assert Decimal(figure) == (rows.aggregate(sum=Sum("total_price"))["sum"] or 0), (words, url)


def test_every_address_in_the_page_can_be_opened(staff):
    """Of those that differ in the values of their parameters alone, one."""
    fill(2)
    page = staff.get("/admin/").text
    found = {unescape(url) for url in re.findall('href="(/admin[^"#]*)"', page)}
    for url in {re.sub("=[^&]*", "", url): url for url in found}.values():
        assert staff.get(url).status_code == 200, url


# --- Who sees what --------------------------------------------------------------------------------

SECTIONS = {"Pipeline": "lead.view_restaurant", "Calls": "call.view_callplan", "Orders": "track.view_orderdetails"}


@pytest.mark.parametrize("section", SECTIONS)
def test_figures_of_a_list_are_hidden_without_its_view_permission(section, now, client):
    fill(1)
    client.force_login(staff_user("viewer", *[permission for name, permission in SECTIONS.items() if name != section]))
    page = client.get("/admin/").text
    shown = [name for name in SECTIONS if f">{name}</h2>" in page]
    assert shown == [name for name in SECTIONS if name != section]
    assert ("Accounts by verdict</h2>" in page) == (section != "Pipeline")


def test_a_user_without_permissions_gets_a_page_without_figures(now, client):
    client.force_login(staff_user("viewer"))
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "<svg class" not in page.text
    assert "An administrator can give you a role." in page.text


def test_only_rows_visible_to_the_viewer_are_counted_and_cached(staff, monkeypatch):
    asha = staff_user("asha", "lead.view_restaurant")
    account(asha, "CONVERTED", 5)
    account(None, "CONVERTED", 7)
    own = {asha.pk}
    monkeypatch.setattr(
        TimestampedQuerySet,
        "visible_to",
        lambda rows, user: rows.filter(assigned_to=user) if user.pk in own and rows.model is Restaurant else rows,
    )
    assert "<strong>2 leads</strong>" in staff.get("/admin/").text
    staff.force_login(asha)
    page = staff.get("/admin/").text
    assert "<strong>1 lead</strong></a> · 5 potential" in page
    assert "<strong>1 account</strong>" in page


# --- Cost -----------------------------------------------------------------------------------------


@pytest.fixture
def profile(admin_user):
    """Without one the page asks for it."""
    WorkProfile.objects.create(user=admin_user, time_zone="UTC")


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize("rows", [3, 30])
def test_a_view_queries_session_user_lists_and_seven_figures(rows, staff, django_assert_num_queries):
    fill(rows)
    with django_assert_num_queries(10):
        staff.get("/admin/")


@pytest.mark.usefixtures("profile")
def test_a_second_view_within_a_minute_queries_session_user_and_lists(staff, now, django_assert_num_queries):
    fill(3)
    first = staff.get("/admin/").text
    account()
    now.shift(59)
    with django_assert_num_queries(3):
        assert links(staff.get("/admin/").text) == links(first)
    now.shift(2)
    assert "New: 1 lead · 0" in links(staff.get("/admin/").text)


def test_users_who_may_see_the_same_rows_share_a_cached_result(staff, django_assert_num_queries):
    fill(1)
    staff.get("/admin/")
    second = get_user_model().objects.create_superuser("second")
    WorkProfile.objects.create(user=second, time_zone="UTC")
    staff.force_login(second)
    with django_assert_num_queries(3):
        staff.get("/admin/")


def test_figures_are_computed_again_while_redis_is_unreachable(staff, settings, monkeypatch, caplog):
    def away(*args):
        raise redis.ConnectionError

    settings.REDIS_URL = "redis://nowhere/"
    monkeypatch.setattr(figures_cache, "cache", SimpleNamespace(get=away, set=away))
    account()
    assert "New: 1 lead · 0" in links(staff.get("/admin/").text)
    assert "Redis does not answer" in caplog.text


def test_the_page_has_neither_inline_styles_nor_scripts(staff):
    fill(3)
    page = staff.get("/admin/").text
    assert not re.search(r"\sstyle=|<style|\son\w+=", page)
    assert set(re.findall(r"<script[^>]*>([^<]*)</script>", page)) <= {""}
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
