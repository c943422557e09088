"""Days that do not begin at 00:00 or on which midnight comes twice: forms, and figures by week and month."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from backoffice.admin.account_summary import AccountSummary
from backoffice.dashboard.figures import Figures
from backoffice.tests.support import INTERACTIONS
from call.models import WorkProfile
from crm.tests.support import send_form
from track.models import Interaction

TICK = timedelta(microseconds=1)
ORDER = {"product_details": "Rice", "quantity": 1, "total_price": Decimal(100)}
DAYS = [  # each with its first instant
    ("Africa/Cairo", "2025-04-25", datetime(2025, 4, 24, 22, tzinfo=UTC)),
    ("Atlantic/Azores", "2027-03-28", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ("America/Havana", "2026-11-01", datetime(2026, 11, 1, 4, tzinfo=UTC)),
]


@pytest.fixture(autouse=True)
def no_cached_figures():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def viewer_in(admin_user):
    return lambda zone: WorkProfile.objects.create(user=admin_user, time_zone=zone)


# --- Forms ----------------------------------------------------------------------------------------


def send_plan(client, plan, **changes: str):
    path = reverse("admin:call_callplan_change", args=[plan.pk])
    return send_form(client, path, "callplan_form", **changes)


@pytest.mark.parametrize(("zone", "day", "start"), DAYS)
def test_a_plan_due_at_the_first_instant_of_a_day_can_be_edited(admin_client, viewer_in, plan, zone, day, start):
    viewer_in(zone)
    plan.edit(next_call_date=start)
    assert send_plan(admin_client, plan, notes="After the holidays.").status_code == 302
    plan.refresh_from_db()
    assert (plan.notes, plan.next_call_date) == ("After the holidays.", start)


@pytest.mark.parametrize(("zone", "day", "start"), DAYS)
def test_midnight_in_a_form_is_the_first_instant_of_the_day(admin_client, viewer_in, plan, zone, day, start):
    viewer_in(zone)
    answer = send_plan(admin_client, plan, next_call_date_0=day, next_call_date_1="00:00:00")
    assert answer.status_code == 302
    plan.refresh_from_db()
    assert plan.next_call_date == start


def test_a_time_that_a_zone_skips_is_an_error_in_a_form(admin_client, viewer_in, plan):
    viewer_in("Africa/Cairo")
    answer = send_plan(admin_client, plan, next_call_date_0="2025-04-25", next_call_date_1="00:30:00")
    assert "next_call_date" in answer.context["adminform"].form.errors


# --- Lists and figures ----------------------------------------------------------------------------


@pytest.fixture
def order_at(lead):
    return lambda moment: Interaction.log(lead=lead, interaction_type="ORDER", order=ORDER, date=moment)


@pytest.mark.parametrize(("zone", "day", "start"), DAYS)
def test_a_list_of_a_day_holds_the_rows_of_that_day(admin_client, viewer_in, order_at, zone, day, start):
    viewer_in(zone)
    _, expected = (order_at(moment) for moment in (start - TICK, start))
    rows = admin_client.get(INTERACTIONS, {"date_from": day, "date_to": day}).context["cl"].result_list
    assert [row.pk for row in rows] == [expected.pk]


@pytest.mark.parametrize(
    ("zone", "monday", "start"),
    [
        ("Asia/Tehran", date(2021, 3, 22), datetime(2021, 3, 21, 20, 30, tzinfo=UTC)),  # begins at 01:00
        ("Europe/London", date(2021, 3, 22), datetime(2021, 3, 22, tzinfo=UTC)),
    ],
)
def test_orders_count_in_the_week_whose_days_they_are_on(admin_user, viewer_in, order_at, zone, monday, start):
    viewer_in(zone)
    for moment in (start - TICK, start, start + timedelta(minutes=10)):
        order_at(moment)
    with time_machine.travel(start + timedelta(days=3), tick=False):
        before, week = Figures.of(admin_user).weeks()[-2:]
    assert (before.orders, week.monday, week.orders, week.revenue) == (1, monday, 2, 200)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("America/Asuncion", datetime(2023, 10, 1, 4, tzinfo=UTC)),  # begins at 01:00
        ("America/Havana", datetime(2026, 11, 1, 4, tzinfo=UTC)),  # midnight comes twice
        ("America/St_Johns", datetime(2009, 11, 1, 2, 30, tzinfo=UTC)),  # after a minute the clock goes back to 23:01
    ],
)
def test_orders_count_in_the_month_whose_days_they_are_on(admin_user, lead, order_at, zone, start):
    for moment in (start - TICK, start, start + timedelta(minutes=10)):
        order_at(moment)
    with time_machine.travel(start + timedelta(days=3), tick=False), timezone.override(zone):
        chart = AccountSummary(lead, admin_user).orders_by_month()
    month = start.astimezone(ZoneInfo(zone))
    assert f"{month:%B %Y}: 2 orders, 200.00" in chart
    assert "3 orders worth 300.00" in chart


def test_midnight_of_the_first_day_there_is_is_an_error_of_the_form(admin_client, lead, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    form = {"lead": lead.pk, "interaction_type": "CALL", "date_0": "0001-01-01", "date_1": "00:00:00"}
    form |= {f"order-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    answer = admin_client.post("/admin/track/interaction/add/", form)
    assert answer.status_code == 200 and answer.context["errors"]


def test_orders_after_the_current_month_are_not_charted(admin_user, lead):
    later = datetime.now(UTC) + timedelta(days=70)
    Interaction.log(lead=lead, interaction_type="ORDER", date=later)
    assert "0 orders worth 0.00" in AccountSummary(lead, admin_user).orders_by_month()
