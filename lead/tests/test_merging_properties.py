"""Drawn leads, with rows of every table that refers to a lead: merged and taken apart, everything is as it was."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from call.models import CallPlan
from contact.models import Contact
from crm.db.merging import references_to
from lead.models import NotDuplicate, Restaurant
from lead.models.merge import MERGED, TEXTS
from lead.tests.test_merging import everything
from track.models import Interaction, QuietMark

LEADS = 3
NOW = datetime.now(UTC).replace(microsecond=0)

leads = st.integers(0, LEADS - 1)
names = st.sampled_from(["Asha Rao", "ASHA RAO", "Ben Das"])
phones = st.sampled_from(["", "+91 98765 43210", "030 1234567"])
fields = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Bistro Anna", "Bistro Ana"]),
        "phone": phones,
        "notes": st.sampled_from(["", "By the sea."]),
        "potential_revenue": st.none() | st.just(1_000),
        "lead_status": st.sampled_from(["NEW", "LOST"]),
    }
)
steps = st.one_of(
    st.tuples(st.just("contact"), leads, names, phones),
    st.tuples(st.just("interaction"), leads, st.integers(0, 9), st.booleans()),
    st.tuples(st.just("plan"), leads, st.sampled_from(["DAILY", "WEEKLY"]), st.integers(1, 20)),
    st.tuples(st.sampled_from(["call", "snooze", "skip", "pause", "delete"]), leads, st.integers(0, 9), st.none()),
    st.tuples(
        st.sampled_from(["status", "owner", "quiet", "external id", "other than"]), leads, st.integers(0, 1), st.none()
    ),
)
takes = st.dictionaries(st.sampled_from(MERGED), st.sampled_from(["ours", "other", "both"]), max_size=6)


def one(rows: Any, number: int) -> Any:
    found = list(rows.order_by("id"))
    return found[number % len(found)] if found else None


def take(step: tuple, number: int, rows: list[Restaurant], users: list[Any]) -> None:
    kind, place, value, further = step
    lead = rows[place]
    plan = one(CallPlan.objects.filter(lead=lead), value) if isinstance(value, int) else None
    match kind:
        case "contact":
            Contact.objects.create(restaurant=lead, name=value, phone=further, created_by=users[0])
        case "interaction":
            order = {"product_details": "Rice", "quantity": 1, "total_price": 5} if further else None
            contact = one(Contact.objects.filter(restaurant=lead), value)
            Interaction.log(lead=lead, contact=contact, interaction_type="VISIT", details=f"{number}", order=order)
        case "plan":
            CallPlan.objects.create(lead=lead, frequency=value, next_call_date=NOW + timedelta(days=further))
        case "call" if plan:
            plan.record_call(NOW - timedelta(hours=value), by=users[0], outcome="REACHED" if value % 2 else "")
        case "snooze" if plan:
            plan.snooze(NOW + timedelta(days=value), reason="Closed.")
        case "skip" if plan:
            plan.skip(by=users[0])
        case "pause" if plan:
            plan.pause()
        case "delete":
            if interaction := one(Interaction.objects.filter(lead=lead), value):
                interaction.delete()
        case "status":
            lead.change_status(["CONTACTED", "LOST"][value], by=users[0])
        case "owner":
            lead.edit(assigned_to=users[value].pk)
        case "quiet":
            QuietMark.set(lead, date.today() + timedelta(days=value), by=users[0])  # noqa: DTZ011
        case "other than":
            NotDuplicate.say(lead, rows[place - 1 - value].pk, by=users[0])
        case "external id":
            lead.add_external_id("erp", f"{number}")


@settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(fields, min_size=LEADS, max_size=LEADS),
    st.lists(steps, min_size=4, max_size=16),
    st.permutations(range(LEADS)),
    st.lists(takes, min_size=2, max_size=2),
    st.booleans(),
)
def test_merged_and_taken_apart_is_as_before(db, given_fields, drawn, order, chosen, is_chain):
    with transaction.atomic():
        users = [get_user_model().objects.create_user(name) for name in ("anna", "ben")]
        rows = [Restaurant.objects.create(assigned_to=users[0], **each) for each in given_fields]
        for number, step in enumerate(drawn):
            take(step, number, rows, users)
        first, second, third = (rows[place].pk for place in order)
        # A chain: the third is merged into the second, which is merged into the first; else both into the first.
        merges = [(second, third), (first, second)] if is_chain else [(first, second), (first, third)]
        states = []
        for (survivor, other), wanted in zip(merges, chosen, strict=True):
            wanted = {
                name.removesuffix("_id"): "other" if choice == "both" and name not in TEXTS else choice
                for name, choice in wanted.items()
            }
            states.append(everything())
            Restaurant.objects.get(pk=survivor).merge(other, take=wanted, by=users[0])
            check_nothing_refers_to(other)
        for (survivor, other), before in zip(merges[::-1], states[::-1], strict=True):
            Restaurant.objects.get(pk=survivor).unmerge(other)
            assert everything() == before
        transaction.set_rollback(True)


def check_nothing_refers_to(lead: int) -> None:
    for model, field in references_to(Restaurant):
        assert not model._base_manager.filter(**{field.attname: lead}).exists(), model


def test_every_table_that_refers_to_a_lead_is_drawn():
    drawn = {
        "Contact",
        "Interaction",
        "CallPlan",
        "StatusChange",
        "OwnerChange",
        "QuietMark",
        "ExternalId",
        "NotDuplicate",
    }
    ours = {app.label for app in apps.get_app_configs()} & {"lead", "contact", "track", "call"}
    found = {model.__name__ for model, _ in references_to(Restaurant) if model._meta.app_label in ours}
    assert found - {"LeadMerge"} == drawn
