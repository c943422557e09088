"""Two leads that are one restaurant: merged with all that refers to them, and taken apart again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model

from call.models import CallPlan
from contact.models import Contact
from crm.db.merging import values_of
from crm.tests.support import signed_in
from lead.models import LeadMerge, Restaurant
from track.models import Interaction

LEADS = "/lead/restaurants/"
TABLES = ("lead", "contact", "track", "call")


def everything() -> dict[str, list[dict]]:
    """Every row of the domain's tables, without the moments of the last changes and the journals of merges."""
    found = {}
    for label in TABLES:
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            if not model.__name__.endswith("Merge"):
                rows = [values_of(row) for row in model._base_manager.order_by("pk")]
                found[model._meta.label] = [{k: v for k, v in row.items() if k != "updated_at"} for row in rows]
    return found


@pytest.fixture
def other(db):
    """Another record of the same restaurant, with another owner and rows in every table."""
    owner = get_user_model().objects.create_user("asha")
    lead = Restaurant.objects.create(name="Bistro Ana", phone="12345", city="Mumbai", notes="By the sea.")
    lead.edit(assigned_to=owner.pk, by=owner)
    lead.change_status("CONTACTED", by=owner)
    person = Contact.objects.create(restaurant=lead, name="ASHA RAO", email="asha@example.com", role="Owner")
    chef = Contact.objects.create(restaurant=lead, name="Ben Das")
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    CallPlan.objects.create(lead=lead, frequency="MONTHLY").skip(reason="Closed.")
    plan.record_call(datetime.now(UTC), by=owner, contact_id=person.pk, outcome="REACHED", details="Wants rice.")
    order = {"product_details": "Rice", "quantity": 5, "total_price": 50}
    Interaction.log(lead=lead, contact=chef, interaction_type="ORDER", order=order)
    return lead


@pytest.fixture
def ours(lead, contact, interaction, plan):
    return lead


def merge(api, survivor, dropped, **body):
    return api.post(f"{LEADS}{survivor.pk}/merge/", {"other": dropped.pk, **body})


def test_what_belongs_to_the_other_belongs_to_this_one(api, ours, other):
    answer = merge(api, ours, other)
    assert answer.status_code == 200, answer.json()
    assert not Restaurant.objects.filter(pk=other.pk).exists()
    assert [person.name for person in ours.contacts.order_by("id")] == ["Asha Rao", "Ben Das"]
    assert sorted(i.interaction_type for i in ours.interactions.all()) == ["CALL", "CALL", "ORDER"]
    assert sorted(plan.frequency for plan in ours.call_plans.all()) == ["DAILY", "MONTHLY"]
    assert answer.json()["moved"] == {
        "call events": 1,
        "call plans": 1,
        "contacts": 1,
        "interactions": 2,
        "owner changes": 2,
        "status changes": 1,
    }


def test_empty_fields_take_the_others_values_and_others_stay(api, ours, other):
    merge(api, ours, other)
    ours.refresh_from_db()
    assert (ours.name, ours.city, ours.phone, ours.notes) == ("Bistro Anna", "Pune", "12345", "By the sea.")


def test_take_says_whose_value_stays(api, ours, other):
    ours.edit(notes="Asked for the catalog.")
    body = merge(
        api, ours, other, take={"name": "other", "notes": "both", "phone": "ours", "lead_status": "other"}
    ).json()
    assert (body["name"], body["phone"]) == ("Bistro Ana", "")
    assert body["notes"] == "Asked for the catalog.\n\nBy the sea."
    assert [change.new_status for change in ours.status_changes.order_by("id")] == ["CONTACTED", "CONTACTED"]


def test_one_person_is_one_contact_with_all_that_is_known(api, ours, other, contact):
    merge(api, ours, other)
    contact.refresh_from_db()
    assert (contact.role, contact.email, contact.phone) == ("Manager", "asha@example.com", "123-456-7890")
    assert contact.interactions.count() == 2


def test_people_of_one_name_with_different_phones_stay_two(api, ours, other):
    Contact.objects.filter(restaurant=other, name="ASHA RAO").update(phone="999")
    merge(api, ours, other)
    assert ours.contacts.count() == 3


def test_one_plan_of_a_frequency_is_left_with_both_logs(api, ours, other, plan):
    plan.snooze(datetime.now(UTC) + timedelta(days=9))
    theirs = other.call_plans.get(frequency="DAILY")
    merge(api, ours, other)
    plan.refresh_from_db()
    assert (plan.next_call_date, plan.last_called) == (theirs.next_call_date, theirs.last_called)
    assert sorted(event.kind for event in plan.events.all()) == ["CALLED", "RESCHEDULED", "SNOOZED"]


def test_the_earlier_date_of_two_plans_is_in_the_log(api, ours, other, plan, user):
    """So that it stays where the dates are computed again, as after a hand-over."""
    soon = plan.next_call_date - timedelta(hours=5)
    other.call_plans.get(frequency="DAILY").edit(next_call_date=soon)
    merge(api, ours, other)
    line = plan.events.latest("id")
    assert (line.kind, line.new_due, line.created_by, line.reason) == (
        "RESCHEDULED",
        soon,
        user,
        "Merged with Bistro Ana.",
    )
    CallPlan.objects.filter(pk=plan.pk).recompute()
    plan.refresh_from_db()
    assert plan.next_call_date == soon


def test_a_merge_taken_back_leaves_everything_as_it_was(api, ours, other):
    before = everything()
    merge(api, ours, other, take={"name": "other", "notes": "both", "lead_status": "other", "assigned_to": "other"})
    assert everything() != before
    answer = api.post(f"{LEADS}{ours.pk}/unmerge/", {"other": other.pk})
    assert answer.status_code == 200, answer.json()
    assert everything() == before
    assert not LeadMerge.objects.exists()


def test_what_happened_since_stays_with_the_survivor(api, ours, other):
    merge(api, ours, other)
    since = Interaction.log(lead=ours, interaction_type="VISIT", details="Tasted.")
    ours.edit(city="Goa")
    api.post(f"{LEADS}{ours.pk}/unmerge/", {"other": other.pk})
    since.refresh_from_db()
    ours.refresh_from_db()
    assert (since.lead_id, ours.city) == (ours.pk, "Goa")
    assert other.interactions.count() == 2


def test_a_dry_run_says_what_would_move_and_changes_nothing(api, ours, other):
    before = everything()
    dry = merge(api, ours, other, dry_run=True, take={"name": "other"}).json()
    assert (dry["name"], everything()) == ("Bistro Ana", before)
    done = merge(api, ours, other, take={"name": "other"}).json()
    assert {**dry, "updated_at": ""} == {**done, "updated_at": ""}


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_the_address_of_a_merged_lead_leads_to_the_survivor(method, api, ours, other):
    merge(api, ours, other)
    answer = getattr(api, method)(f"{LEADS}{other.pk}/?tz=UTC")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{LEADS}{ours.pk}/?tz=UTC")
    assert Restaurant.objects.filter(pk=ours.pk).exists()


@pytest.mark.parametrize("verb", ["change_status", "merge", "unmerge"])
def test_the_verbs_of_a_merged_lead_lead_to_the_survivors(verb, api, ours, other):
    merge(api, ours, other)
    answer = api.post(f"{LEADS}{other.pk}/{verb}/", {})
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{LEADS}{ours.pk}/{verb}/")


def test_a_merged_lead_in_a_chain_leads_to_the_last_survivor(api, ours, other, user):
    last = Restaurant.objects.create(name="Bistro", assigned_to=user)
    merge(api, ours, other)
    merge(api, last, ours)
    assert api.get(f"{LEADS}{other.pk}/").headers["Location"] == f"{LEADS}{last.pk}/"
    api.post(f"{LEADS}{last.pk}/unmerge/", {"other": ours.pk})
    assert api.get(f"{LEADS}{other.pk}/").headers["Location"] == f"{LEADS}{ours.pk}/"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/contact/contacts/", {"restaurant": 0, "name": "Asha Rao"}),
        ("/track/interactions/", {"lead": 0, "interaction_type": "CALL"}),
        ("/call/", {"lead": 0, "frequency": "DAILY"}),
    ],
)
@pytest.mark.parametrize("access", ["all", "own"])
def test_a_merged_lead_in_a_body_names_the_survivor(access, path, body, api, ours, other, settings):
    merge(api, ours, other)
    settings.ACCESS = access
    answer = api.post(path, {name: other.pk if value == 0 else value for name, value in body.items()})
    (messages,) = answer.json().values()
    assert answer.status_code == 400
    assert messages == [f'Invalid pk "{other.pk}" - object does not exist: it was merged into {ours.pk}.']


def test_the_tag_of_the_survivor_changes(api, ours, other):
    other.edit(phone="", notes="")
    before = api.get(f"{LEADS}{ours.pk}/").headers["ETag"]
    merge(api, ours, other)
    assert api.get(f"{LEADS}{ours.pk}/").headers["ETag"] != before


@pytest.mark.parametrize(
    "wrong", [{"other": 999999}, {"other": "x"}, {}, {"take": {"colour": "other"}}, {"take": {"name": "both"}}]
)
def test_a_wrong_body_is_named_and_changes_nothing(wrong, api, ours, other):
    before = everything()
    answer = api.post(f"{LEADS}{ours.pk}/merge/", {**({"other": other.pk} if "take" in wrong else {}), **wrong})
    assert (answer.status_code, list(answer.json())) == (400, ["take" if "take" in wrong else "other"])
    assert everything() == before


def test_a_lead_is_not_merged_with_itself(api, ours):
    assert merge(api, ours, ours).json() == {"other": ["Choose another lead."]}


def test_hidden_leads_are_merged_neither_way(api, ours, other, settings):
    settings.ACCESS = "own"
    answer = merge(api, ours, other)
    assert (answer.status_code, answer.json()) == (
        400,
        {"other": [f'Invalid pk "{other.pk}" - object does not exist.']},
    )
    assert merge(api, other, ours).status_code == 404


def test_the_address_of_a_lead_merged_into_a_hidden_one_is_404(api, ours, other, settings):
    merge(api, ours, other)
    settings.ACCESS = "own"
    Restaurant.objects.filter(pk=ours.pk).update(assigned_to=None)
    assert api.get(f"{LEADS}{other.pk}/").status_code == 404


def test_what_was_not_merged_is_not_taken_out(api, ours, other):
    answer = api.post(f"{LEADS}{ours.pk}/unmerge/", {"other": other.pk})
    assert (answer.status_code, list(answer.json())) == (400, ["other"])


def test_no_stay_in_a_status_began_before_its_lead(user, time_machine):
    """Also after a merge with an older lead, whose changes are in the history."""

    def on(day: str) -> None:
        time_machine.move_to(datetime.fromisoformat(f"{day}T00:00:00Z"), tick=False)

    on("2026-01-01")
    other = Restaurant.objects.create(name="Bistro Ana", assigned_to=user)
    on("2026-02-01")
    other.change_status("CONTACTED")
    on("2026-03-01")
    ours = Restaurant.objects.create(name="Bistro Anna", assigned_to=user, lead_status="NEGOTIATING")
    ours.merge(other.pk)
    on("2026-03-11")
    api = signed_in(user)
    found = api.get(f"{LEADS}{ours.pk}/durations/").json()
    assert {row["status"]: row["days"] for row in found if row["entered"]} == {"NEGOTIATING": 10.0}
    pipeline = {row["status"]: row for row in api.get("/lead/pipeline/?from=2026-01-01").json()}
    assert (pipeline["NEW"]["left"], pipeline["NEW"]["median_days"]) == (1, None)
    assert [status for status, row in pipeline.items() if row["created"]] == ["NEGOTIATING"]


def test_a_deleted_survivor_takes_the_address_along(api, ours, other):
    merge(api, ours, other)
    ours.delete()
    assert api.get(f"{LEADS}{other.pk}/").status_code == 404


def test_contacts_of_one_restaurant_are_merged_and_taken_apart(api, contact, interaction, lead):
    other = Contact.objects.create(restaurant=lead, name="A. Rao", email="asha@example.com")
    call = Interaction.log(lead=lead, contact=other, interaction_type="CALL")
    before = everything()
    answer = api.post(f"/contact/contacts/{contact.pk}/merge/", {"other": other.pk})
    assert (answer.status_code, answer.json()["email"]) == (200, "asha@example.com")
    call.refresh_from_db()
    assert call.contact_id == contact.pk
    assert api.get(f"/contact/contacts/{other.pk}/").headers["Location"] == f"/contact/contacts/{contact.pk}/"
    assert api.post(f"/contact/contacts/{contact.pk}/unmerge/", {"other": other.pk}).status_code == 200
    assert everything() == before


def test_take_says_whose_value_of_a_contact_stays(api, contact, lead):
    contact.edit(address="12 MG Road")
    other = Contact.objects.create(restaurant=lead, name="A. Rao", phone="999", address="By the sea")
    path = f"/contact/contacts/{contact.pk}/merge/"
    take = {"name": "other", "phone": "ours", "address": "both"}
    dry = api.post(path, {"other": other.pk, "take": take, "dry_run": True}).json()
    body = api.post(path, {"other": other.pk, "take": take}).json()
    assert (body["name"], body["phone"], body["address"]) == ("A. Rao", "123-456-7890", "12 MG Road\n\nBy the sea")
    assert {**dry, "updated_at": ""} == {**body, "updated_at": ""}
    api.post(f"/contact/contacts/{contact.pk}/unmerge/", {"other": other.pk})
    contact.refresh_from_db()
    assert (contact.name, contact.address) == ("Asha Rao", "12 MG Road")


@pytest.mark.parametrize("take", [{"restaurant": "other"}, {"name": "both"}, {"name": "theirs"}])
def test_a_wrong_take_of_a_contact_is_named_and_changes_nothing(take, api, contact, lead):
    other = Contact.objects.create(restaurant=lead, name="A. Rao")
    answer = api.post(f"/contact/contacts/{contact.pk}/merge/", {"other": other.pk, "take": take})
    assert (answer.status_code, list(answer.json()), Contact.objects.count()) == (400, ["take"], 2)


def test_contacts_of_two_restaurants_are_not_merged(api, contact):
    other = Contact.objects.create(restaurant=Restaurant.objects.create(name="Cafe Blau"), name="Asha Rao")
    answer = api.post(f"/contact/contacts/{contact.pk}/merge/", {"other": other.pk})
    assert (answer.status_code, list(answer.json())) == (400, ["other"])


def test_a_contact_merged_with_its_lead_is_taken_out_with_it_alone(api, ours, other, contact):
    person = other.contacts.get(name="ASHA RAO")
    merge(api, ours, other)
    assert api.get(f"/contact/contacts/{person.pk}/").status_code == 308
    answer = api.post(f"/contact/contacts/{contact.pk}/unmerge/", {"other": person.pk})
    assert (answer.status_code, list(answer.json())) == (400, ["other"])


def test_a_thousand_notes_move_in_a_fixed_number_of_queries(ours, other, django_assert_max_num_queries):
    Interaction.objects.bulk_create(Interaction(lead=other, interaction_type="OTHER") for _ in range(1_001))
    with django_assert_max_num_queries(90):
        ours.merge(other.pk)
    assert ours.interactions.count() == 1_001 + 3
    ours.unmerge(other.pk)
    assert other.interactions.count() == 1_001 + 2
