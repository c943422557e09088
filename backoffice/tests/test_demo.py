"""The rows of `manage.py demo`."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings

from call import recurrence
from call.models import CallEvent, CallPlan, WorkProfile
from contact.models import Contact
from crm import dates
from crm.db.search import search
from lead.models import LeadStatus, Restaurant, StatusChange, Team
from track import accounts
from track.health import Verdict
from track.models import Interaction, OrderDetails

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
MIDNIGHT = datetime(2024, 12, 28, tzinfo=UTC)
TABLES = [Restaurant, Contact, StatusChange, Interaction, OrderDetails, CallPlan, CallEvent]


@pytest.fixture(autouse=True)
def local_machine(settings):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def rows(django_db_setup, django_db_blocker):
    """Demo data, created once for all tests of this module; each test's changes are rolled back to it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(ALLOWED_HOSTS=["localhost"]), time_machine.travel(NOW, tick=False):
            call_command("demo", leads=60, verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def loaded(rows, db):
    """60 leads."""


def contents() -> list:
    """All rows of the domain; keys and users aside, which count on."""
    keys = {"id", "lead_id", "contact_id", "restaurant_id", "interaction_id", "plan_id"}
    users = {"created_by_id", "assigned_to_id"}
    return [
        {name: value for name, value in row.items() if name not in keys | users}
        for model in TABLES
        for row in model.objects.order_by("id").values()
    ]


def test_demo_fills_every_table(loaded):
    assert Restaurant.objects.count() == 60
    assert all(model.objects.exists() for model in TABLES)
    assert not Restaurant.objects.filter(contacts=None).exists()


def test_demo_creates_the_same_data_on_the_same_day(loaded):
    first = contents()
    Restaurant.objects.all().delete()
    call_command("demo", leads=60, force=True)
    assert contents() == first


def test_a_lead_is_the_same_in_a_small_and_in_a_large_set(loaded):
    names = list(Restaurant.objects.order_by("id").values_list("name", flat=True))
    Restaurant.objects.all().delete()
    call_command("demo", leads=30, force=True)
    assert list(Restaurant.objects.order_by("id").values_list("name", flat=True)) == names[:30]


def test_demo_users_can_sign_in_with_the_passwords_it_names(loaded):
    demo_user = authenticate(None, username="demo", password="demo")
    admin = authenticate(None, username="admin", password="admin")
    assert (demo_user.is_staff, admin.is_staff, admin.is_superuser) == (False, True, True)


def test_demo_users_are_in_a_tree_of_teams(loaded):
    demo_user = get_user_model().objects.get(username="demo")
    below = Team.objects.at_or_below(Team.objects.filter(managers=demo_user))
    assert list(below.values_list("name", "parent__name")) == [
        ("Sales", None),
        ("South", "Sales"),
        ("West", "South"),
        ("North", "Sales"),
    ]
    call_command("demo", leads=1, force=True, verbosity=0)
    assert Team.objects.count() == 4


def test_other_demo_account_managers_cannot_sign_in(loaded):
    others = get_user_model().objects.filter(username__startswith="kam.")
    assert [user.has_usable_password() for user in others] == [False] * 3
    assert Restaurant.objects.filter(assigned_to__in=others).exists()


def test_some_calls_are_due_today_some_overdue_and_some_later(loaded):
    due_today = CallPlan.objects.due_on(MIDNIGHT.date(), dates.server_zone())
    assert due_today.exists()
    assert CallPlan.objects.filter(next_call_date__lt=MIDNIGHT).exists()
    assert CallPlan.objects.filter(next_call_date__gt=due_today.last().next_call_date).exists()


def test_the_status_history_of_a_lead_has_no_gap(loaded):
    for lead in Restaurant.objects.prefetch_related("status_changes"):
        status, changed_at = LeadStatus.NEW, lead.created_at
        for change in lead.status_changes.all():
            assert change.old_status == status
            assert change.created_at > changed_at
            status, changed_at = change.new_status, change.created_at
        assert lead.lead_status == status


def test_the_next_call_is_one_interval_after_the_last(loaded):
    for plan in CallPlan.objects.filter(overridden_at=None).exclude(last_called=None).select_related("lead"):
        every_day, called = recurrence.WorkCalendar(plan.calendar.zone), plan.last_called
        on_the_rhythm = recurrence.next_working_call(called, plan.frequency, every_day, after=called)
        assert plan.next_call_date - on_the_rhythm in (timedelta(0), timedelta(days=plan.next_call_date.weekday() == 0))
        touches = plan.lead.interactions.filter(interaction_type__in=["CALL", "VISIT", "MEETING"])
        assert touches.latest("date").date == plan.last_called


def test_the_dates_of_the_plans_match_their_logs(loaded):
    before = list(CallPlan.objects.order_by("id").values())
    CallPlan.objects.all().recompute()
    assert list(CallPlan.objects.order_by("id").values()) == before
    assert all(
        not plan.calendar.is_day_off(plan.next_call_date.astimezone(plan.calendar.zone).date())
        for plan in CallPlan.objects.exclude(events__kind="SNOOZED")
    )


def test_some_calls_were_snoozed_some_skipped_and_some_plans_paused(loaded):
    assert {"CALLED", "SNOOZED", "SKIPPED", "PAUSED"} == set(CallEvent.objects.values_list("kind", flat=True))
    paused = CallEvent.objects.filter(kind="PAUSED").values("plan")
    assert set(CallPlan.objects.filter(paused=True)) == set(CallPlan.objects.filter(pk__in=paused))


def test_only_the_other_account_managers_have_a_work_profile(loaded):
    assert {profile.user.username for profile in WorkProfile.objects.all()} == {"kam.north", "kam.south", "kam.west"}


def test_nothing_has_happened_since_midnight(loaded):
    assert not CallEvent.objects.filter(happened_at__gte=MIDNIGHT).exists()
    assert not Interaction.objects.filter(date__gte=MIDNIGHT).exists()
    assert not CallPlan.objects.filter(last_called__gte=MIDNIGHT).exists()
    assert not StatusChange.objects.filter(created_at__gte=MIDNIGHT).exists()


def test_every_value_passes_field_validation(loaded):
    for model in set(TABLES) - {CallEvent}:  # a log has no form
        for row in model.objects.all():
            row.clean_fields(exclude=[field.name for field in model._meta.fields if field.is_relation])


def test_contacts_of_interactions_belong_to_their_lead(loaded):
    for interaction in Interaction.objects.exclude(contact=None).select_related("contact"):
        assert interaction.contact.restaurant_id == interaction.lead_id


def test_demo_leads_are_found_by_searching(loaded):
    lead = Restaurant.objects.first()
    assert lead in search(Restaurant.objects.all(), "search", lead.contact_person, lead.assigned_to)


def test_demo_refuses_a_database_that_has_data(loaded):
    with pytest.raises(CommandError, match="There is data already. Use --force"):
        call_command("demo")
    assert Restaurant.objects.count() == 60


def test_demo_forced_adds_other_leads(loaded):
    call_command("demo", leads=5, force=True)
    assert Restaurant.objects.count() == 65
    assert len(set(Restaurant.objects.values_list("email", flat=True))) == 65


def test_there_are_accounts_of_every_verdict(loaded):
    found = accounts.accounts_of(Restaurant.objects.all(), accounts.today())
    assert {account.health.verdict for account in found} == set(Verdict.values)
