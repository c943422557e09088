"""Whatever changes a row moves its `updated_at`, whichever way the change came, so that `?updated_after=` finds it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import SET_NULL, Count, F
from django.db.models.functions import Upper

from call.models import CallEvent, CallPlan
from contact.models import Contact, ContactExternalId
from crm import dates
from crm.db.models import TimestampedModel, TimestampedQuerySet
from lead.models import OwnerChange, Restaurant, Team
from track.models import Interaction, InteractionExternalId, QuietMark

User = get_user_model()
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
ORDER = {"product_details": "Rice", "quantity": 2, "total_price": 9}
TABLES = [model for model in apps.get_models() if issubclass(model, TimestampedModel)]
NULLABLE = [
    pytest.param(model, field, id=f"{model.__name__}.{field.name}")
    for model in TABLES
    for field in model._meta.concrete_fields
    if field.many_to_one and field.null and field.remote_field.on_delete is SET_NULL
]


@pytest.fixture
def asha(db):
    return User.objects.create_user("asha")


@pytest.fixture
def rows(lead, contact, plan, user, asha):
    """A row of every table, with a value in each nullable reference, last changed long ago. A user each made them."""
    interaction = Interaction.log(lead=lead, contact=contact, interaction_type="CALL", order=ORDER)
    plan.record_call(datetime.now(UTC), details="Reached.")
    lead.edit(lead_status="CONTACTED", assigned_to=asha)
    other = Restaurant.objects.create(name="Bistro Ana")
    twin = Contact.objects.create(restaurant=lead, name="A. Rao")
    lead.merge(other.pk)
    contact.merge(twin.pk)
    lead.say_not_duplicate(Restaurant.objects.create(name="Bistro Anna", assigned_to=asha).pk)
    contact.say_not_duplicate(Contact.objects.create(restaurant=lead, name="A. Rao").pk)
    lead.add_external_id("erp", "1")
    ContactExternalId.objects.create(contact=contact, source="erp", value="1")
    InteractionExternalId.objects.create(interaction=interaction, source="erp", value="1")
    QuietMark.set(lead, dates.today(dates.server_zone()))
    Team.establish(name="North", parent=Team.establish(name="Region"))
    found = {model: model.objects.last() or model.objects.create(user=asha) for model in TABLES}
    found[CallEvent] = CallEvent.objects.filter(interaction__isnull=False).first()
    found[Interaction] = interaction
    found[OwnerChange] = OwnerChange.objects.exclude(old_owner=None).first()  # that of a merge has none
    for model, row in found.items():
        author = User.objects.create_user(f"author of {model.__name__}")
        model.objects.filter(pk=row.pk).update(created_by=author, updated_at=LONG_AGO)
    return found


@pytest.mark.parametrize("how", ["instance", "queryset"])
@pytest.mark.parametrize(("model", "field"), NULLABLE)
def test_a_reference_set_to_null_by_a_deletion_is_news(rows, model, field, how):
    row = rows[model]
    referenced = getattr(model.objects.get(pk=row.pk), field.name)
    if how == "instance":
        referenced.delete()
    else:
        type(referenced).objects.filter(pk=referenced.pk).delete()
    row.refresh_from_db()
    assert getattr(row, field.attname) is None and row.updated_at > LONG_AGO


WRITES = {
    "save": lambda lead: setattr(lead, "notes", "new") or lead.save(),
    "save with update_fields": lambda lead: setattr(lead, "notes", "new") or lead.save(update_fields=["notes"]),
    "update": lambda lead: Restaurant.objects.filter(pk=lead.pk).update(notes="new"),
    "update with an expression": lambda lead: Restaurant.objects.filter(pk=lead.pk).update(notes=Upper("name")),
    "bulk_update": lambda lead: setattr(lead, "notes", "new") or Restaurant.objects.bulk_update([lead], ["notes"]),
    "update_or_create": lambda lead: Restaurant.objects.update_or_create(pk=lead.pk, defaults={"notes": "new"}),
    "edit": lambda lead: lead.edit(notes="new"),
    "related manager": lambda lead: Restaurant.objects.filter(contacts__isnull=True, pk=lead.pk).update(notes="new"),
    "upsert of a row that was read": lambda lead: (
        setattr(lead, "notes", "new")
        or Restaurant.objects.bulk_create([lead], update_conflicts=True, unique_fields=["id"], update_fields=["notes"])
    ),
    "upsert": lambda lead: Restaurant.objects.bulk_create(
        [Restaurant(pk=lead.pk, name="Bistro Anna", notes="new")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["notes"],
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_by_any_of_djangos_ways_is_news(api, lead, write):
    Restaurant.objects.update(updated_at=LONG_AGO)
    lead.refresh_from_db()
    before = api.get(f"/lead/restaurants/{lead.pk}/")
    write(lead)
    after = api.get(f"/lead/restaurants/{lead.pk}/")
    assert after.json()["notes"] != before.json()["notes"] and after["ETag"] != before["ETag"]
    assert [row["id"] for row in api.get("/lead/restaurants/?updated_after=2024-01-02").json()] == [lead.pk]


def test_a_save_of_no_fields_is_no_news(lead):
    Restaurant.objects.update(updated_at=LONG_AGO)
    lead.save(update_fields=[])
    assert Restaurant.objects.get().updated_at == LONG_AGO


def test_a_given_instant_is_stored_as_it_is(lead):
    Restaurant.objects.update(notes="moved", updated_at=LONG_AGO)
    assert Restaurant.objects.get().updated_at == LONG_AGO


def test_interactions_of_a_deleted_contact_are_news(api, interaction, contact):
    Interaction.objects.update(updated_at=LONG_AGO)
    before = api.get(f"/track/interactions/{interaction.pk}/")
    assert api.delete(f"/contact/contacts/{contact.pk}/").status_code == 204
    (row,) = api.get("/track/interactions/?updated_after=2024-01-02").json()
    assert (row["id"], row["contact"]) == (interaction.pk, None)
    assert api.get(f"/track/interactions/{interaction.pk}/")["ETag"] != before["ETag"]


# --- Owners ---------------------------------------------------------------------------------------


def owned(user) -> list:
    return list(Restaurant.objects.filter(assigned_to=user).order_by("pk"))


CHANGES = {
    "delete the user": lambda asha, user: asha.delete(),
    "delete a queryset of users": lambda asha, user: User.objects.filter(pk=asha.pk).delete(),
    "update to nothing": lambda asha, user: Restaurant.objects.update(assigned_to=None),
    "update to a user": lambda asha, user: Restaurant.objects.update(assigned_to=user),
    "update by id": lambda asha, user: Restaurant.objects.update(assigned_to_id=user.pk),
    "update with an expression": lambda asha, user: Restaurant.objects.update(assigned_to=F("created_by")),
    "save": lambda asha, user: [setattr(lead, "assigned_to", user) or lead.save() for lead in owned(asha)],
    "save with update_fields": lambda asha, user: [
        setattr(lead, "assigned_to", user) or lead.save(update_fields=["assigned_to"]) for lead in owned(asha)
    ],
    "update_or_create": lambda asha, user: [
        Restaurant.objects.update_or_create(pk=lead.pk, defaults={"assigned_to": user}) for lead in owned(asha)
    ],
    "bulk_update": lambda asha, user: Restaurant.objects.bulk_update(
        [setattr(lead, "assigned_to", user) or lead for lead in owned(asha)], ["assigned_to"]
    ),
    "upsert": lambda asha, user: Restaurant.objects.bulk_create(
        [setattr(lead, "assigned_to", user) or lead for lead in owned(asha)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["assigned_to"],
    ),
    "edit": lambda asha, user: [lead.edit(assigned_to=user) for lead in owned(asha)],
    "a grouped queryset": lambda asha, user: (
        Restaurant.objects.annotate(people=Count("contacts")).filter(people=0).update(assigned_to=user)
    ),
    "distinct rows": lambda asha, user: Restaurant.objects.filter(contacts=None).distinct().update(assigned_to=user),
    "hand over": lambda asha, user: Restaurant.objects.hand_over(asha.pk, user.pk),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_owner_by_any_way_is_in_each_history(api, user, asha, change):
    leads = [Restaurant.objects.create(name=name, assigned_to=asha, created_by=user) for name in ("One", "Two")]
    other = Restaurant.objects.create(name="Three", assigned_to=user)
    Restaurant.objects.update(updated_at=LONG_AGO)
    change(asha, user)
    for lead in leads:
        lead.refresh_from_db()
        (row,) = api.get(f"/lead/restaurants/{lead.pk}/owner_history/").json()
        assert row["new_owner"] == lead.assigned_to_id
        assert row["old_owner"] == (asha.pk if User.objects.filter(username="asha").exists() else None)
    assert other.owner_changes.count() == int(Restaurant.objects.get(pk=other.pk).assigned_to_id != user.pk)
    news = {row["id"] for row in api.get("/lead/restaurants/?updated_after=2024-01-02").json()}
    assert {lead.pk for lead in leads} <= news


def test_a_lead_that_comes_to_the_owner_during_an_update_is_left_alone(asha, user, monkeypatch):
    """On PostgreSQL another transaction can give it to the owner between lock and update: it was not locked."""
    first, second = (
        Restaurant.objects.create(name=name, assigned_to=owner) for name, owner in [("A", asha), ("B", user)]
    )
    update = TimestampedQuerySet.update

    def meanwhile(rows, **changes):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE lead_restaurant SET assigned_to_id = %s WHERE id = %s", [asha.pk, second.pk])
        return update(rows, **changes)

    monkeypatch.setattr(TimestampedQuerySet, "update", meanwhile)
    assert Restaurant.objects.filter(assigned_to=asha).update(assigned_to=None) == 1
    assert list(Restaurant.objects.order_by("pk").values_list("assigned_to", flat=True)) == [None, asha.pk]
    assert OwnerChange.objects.get().lead_id == first.pk


def test_a_save_that_leaves_the_owner_alone_records_none(lead):
    lead.name = "Bistro Anna and Sons"
    lead.save()
    Restaurant.objects.update(assigned_to=lead.assigned_to)
    assert not OwnerChange.objects.exists()


def test_the_history_names_a_deleted_owner(api, asha, user):
    lead = Restaurant.objects.create(name="One", assigned_to=asha)
    asha.delete()
    (row,) = api.get(f"/lead/restaurants/{lead.pk}/owner_history/").json()
    assert (row["old_owner"], row["new_owner"]) == (None, None)
    assert row["note"] == "The owner asha was deleted."


def test_the_plans_of_a_deleted_owner_follow_the_default_calendar(asha):
    from call.models import WorkProfile

    lead = Restaurant.objects.create(name="One", assigned_to=asha)
    WorkProfile.objects.create(user=asha, working_days=[1])
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    asha.delete()
    day = plan.created_at.date() + timedelta(days=1)
    assert CallPlan.objects.get().next_call_date.date() == day


def test_an_update_of_other_fields_records_no_owner(lead, django_assert_num_queries):
    with django_assert_num_queries(1):
        Restaurant.objects.update(pincode="411001")
    assert not OwnerChange.objects.exists()


def test_the_nullable_references_that_are_known_are_found():
    assert {(Interaction, "contact"), (Restaurant, "assigned_to"), (CallEvent, "interaction")} <= {
        (param.values[0], param.values[1].name) for param in NULLABLE
    }
