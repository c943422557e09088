"""What Django's documentation promises of databases, routers, saving and signals holds for every model and verb."""

from datetime import timedelta

import django
import pytest
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import signals
from django.test.utils import CaptureQueriesContext

from call.models import CallEvent, CallPlan, WorkProfile
from contact.models import Contact
from crm import dates
from crm import fast as accelerators
from crm.tests.support import ORDER, RESOURCES, Router, body_of, client_of, create_rows_of_two_users, rows_in
from lead.models import OwnerChange, Restaurant, StatusChange
from track.models import Interaction, OrderDetails

pytestmark = pytest.mark.usefixtures("fast")


@pytest.fixture
def rows_of_two_users(db):
    """For each test: others here need an empty database."""
    create_rows_of_two_users()


@pytest.fixture
def far(both):
    """A lead in the other database."""
    user = get_user_model().objects.using("other").get()
    return Restaurant.objects.using("other").create(name="Far", assigned_to=user, created_by=user)


def far_plan(lead) -> CallPlan:
    return CallPlan.objects.using("other").create(lead=lead, frequency="DAILY")


# --- Another database -------------------------------------------------------------------------


def test_create_and_save_write_to_the_given_database(far):
    before = rows_in("default")
    named = Restaurant(name="Saved")
    named.save(using="other")
    contact = Contact.objects.using("other").create(restaurant=far, name="Asha")
    Restaurant.objects.using("other").bulk_create([Restaurant(name="In bulk")])
    CallPlan.objects.using("other").bulk_create([CallPlan(lead=far, frequency="DAILY")])
    WorkProfile.objects.using("other").create(user=far.created_by, time_zone="Asia/Kolkata")
    named.name = "Saved again"
    named.save(update_fields=["name"])
    contact.role = "Chef"
    contact.save()
    assert rows_in("default") == before
    assert {named._state.db, contact._state.db, far._state.db} == {"other"}
    names = Restaurant.objects.using("other").order_by("id").values_list("name", "search")
    assert list(names) == [("Far", "far"), ("Saved again", "saved again"), ("In bulk", "in bulk")]


def test_refresh_from_db_reads_the_given_database(far):
    Restaurant.objects.create(pk=far.pk, name="Near")
    near = Restaurant.objects.get(pk=far.pk)
    near.refresh_from_db(using="other")
    assert near.name == "Far"
    far.refresh_from_db(using="default")
    assert far.name == "Near"


def change_status(lead):
    lead.change_status("LOST", by=lead.created_by)


def edit(lead):
    lead.edit(name="Edited", city="Pune", by=lead.created_by)


def give_away(lead):
    other_user = get_user_model().objects.db_manager("other").create_user("ben")
    Restaurant.objects.using("other").hand_over(lead.assigned_to_id, other_user.pk, by=lead.created_by)
    lead.refresh_from_db()
    lead.edit(assigned_to=None)
    assert OwnerChange.objects.using("other").count() == 2


def log(lead):
    far_plan(lead)
    interaction = Interaction.log(using="other", lead=lead, interaction_type="CALL", details="spoke", order=ORDER)
    interaction.write_order(**{**ORDER, "quantity": 3})
    interaction.edit(date=dates.now() - timedelta(minutes=1))
    assert interaction.order.quantity == 3
    interaction.delete()


def record_call(lead):
    plan, neighbour = far_plan(lead), far_plan(lead)
    plan.record_call(dates.now(), by=lead.created_by)
    contact = Contact.objects.using("other").create(restaurant=lead, name="Asha")
    plan.record_call(dates.now(), details="spoke", contact_id=contact.pk, by=lead.created_by)
    assert neighbour.events.count() == 1


def plan_verbs(lead):
    plan = far_plan(lead)
    plan.set_frequency("WEEKLY", by=lead.created_by)
    plan.snooze(dates.now() + timedelta(days=3))
    plan.skip()
    plan.pause()
    plan.resume()
    plan.edit(frequency="MONTHLY", notes="x", next_call_date=dates.now() + timedelta(days=9))
    assert CallEvent.objects.using("other").filter(plan=plan).count() == 7
    CallPlan.objects.using("other").recompute()
    WorkProfile.objects.using("other").create(user=lead.created_by, time_zone="Asia/Kolkata").edit(working_days=[1])


def delete(lead):
    Contact.objects.using("other").create(restaurant=lead, name="Asha").delete()
    far_plan(lead).delete()
    lead.change_status("LOST")
    lead.delete()
    assert not Restaurant.objects.using("other").exists() and not StatusChange.objects.using("other").exists()


VERBS = [change_status, edit, give_away, log, record_call, plan_verbs, delete]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_reads_and_writes_the_database_of_its_row(verb, far):
    Restaurant.objects.create(pk=far.pk, name="Near", assigned_to_id=far.assigned_to_id)
    before = rows_in("default")
    near = Restaurant.objects.values().get()
    with CaptureQueriesContext(django.db.connections["default"]) as queries:
        verb(Restaurant.objects.using("other").get(pk=far.pk))
    assert [query["sql"] for query in queries] == []
    assert rows_in("default") == before and Restaurant.objects.values().get() == near


def test_a_view_of_another_database_reads_and_writes_there(far, both, mount):
    near = Restaurant.objects.create(pk=far.pk, name="Near", assigned_to=both)
    view = RESOURCES["restaurants"].view
    mount(type("Far", (view,), {"queryset": Restaurant.objects.using("other")}))
    api = client_of(both)
    assert [row["name"] for row in body_of(api.get("/x/"))] == ["Far"]
    assert [row["name"] for row in body_of(api.get("/x/?page_size=5"))] == ["Far"]
    assert body_of(api.get(f"/x/{far.pk}/"))["name"] == "Far"
    assert body_of(api.patch(f"/x/{far.pk}/", {"city": "Goa"}))["name"] == "Far"
    near.refresh_from_db()
    far.refresh_from_db()
    assert (near.city, far.city) == ("", "Goa")


# --- Routers ----------------------------------------------------------------------------------


@pytest.fixture
def routed(both, settings):
    """Every table of ours is in the other database."""
    here = (Restaurant, Contact, Interaction, OrderDetails, CallPlan, CallEvent, StatusChange, OwnerChange, WorkProfile)
    router = type("All", (Router,), {"models": here})
    settings.DATABASE_ROUTERS = [router()]
    return both


def test_a_router_is_obeyed_by_saves_and_verbs(routed):
    before = rows_in("default")
    lead = Restaurant.objects.create(name="Routed", assigned_to=routed)
    assert lead._state.db == "other"
    for verb in (lambda: lead.change_status("LOST", by=routed), lambda: lead.edit(name="Edited", by=routed)):
        verb()
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    Interaction.log(lead=lead, interaction_type="CALL", details="spoke", order=ORDER, created_by=routed)
    plan.record_call(dates.now(), details="spoke", by=routed)
    assert rows_in("default") == before
    assert rows_in("other")[CallEvent] == 2


@pytest.mark.parametrize("name", RESOURCES)
def test_a_router_is_obeyed_by_the_api(name, routed, mount):
    resource = RESOURCES[name]
    mount(resource.view)
    lead = Restaurant.objects.create(name="Routed", assigned_to=routed)
    lead.change_status("CONTACTED")
    Contact.objects.create(restaurant=lead, name="Asha")
    Interaction.log(lead=lead, interaction_type="ORDER", details="ordered", order=ORDER)
    CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=dates.now())
    api, row, before = client_of(routed), resource.row_of(routed), rows_in("default")
    for path in [*resource.lists, "?page_size=1", "?ordering=-id", *(f"{row.pk}/{path}" for path in resource.reads)]:
        assert api.get(f"/x/{path}").status_code == 200, path
    for method, path, body in resource.all_writes(row):
        answer = getattr(api, method)(f"/x/{row.pk}/{path}", body)
        assert answer.status_code in (200, 201, 204), (path, answer.content)
    whole = {
        key: getattr(row, f"{key}_id") if value is models.Model else value for key, value in resource.whole.items()
    }
    assert api.post("/x/", whole).status_code == 201
    assert rows_in("default") == before


@pytest.fixture
def lagging(both, settings):
    """A router as in Django's documentation: reads go to a replica, which does not have the new rows yet."""
    tables = (Restaurant, Contact, Interaction, OrderDetails, CallPlan, CallEvent, StatusChange, WorkProfile)
    settings.DATABASE_ROUTERS = [type("Replica", (Router,), {"reads": tables})()]
    return both


def test_a_verb_checks_its_parties_in_the_database_it_writes(lagging):
    lead = Restaurant.objects.create(name="New", assigned_to=lagging)
    lead.change_status("LOST", by=lagging)
    contact = Contact.objects.create(restaurant=lead, name="Asha")
    Interaction.log(lead=lead, contact=contact, interaction_type="CALL", details="spoke", order=ORDER)
    assert Restaurant not in rows_in("other")


def test_a_verb_reads_the_work_profile_in_the_database_it_writes(lagging):
    lead = Restaurant.objects.create(name="New", assigned_to=lagging)
    WorkProfile.objects.create(user=lagging, time_zone="Pacific/Kiritimati")
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    assert str(plan.calendar.zone) == "Pacific/Kiritimati"
    plan.skip()
    assert str(plan.calendar.zone) == "Pacific/Kiritimati"


def test_a_verb_replays_the_log_of_the_database_it_writes(lagging):
    lead = Restaurant.objects.create(name="New", assigned_to=lagging)
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    called = dates.now()
    plan.record_call(called)
    plan.record_call(called)  # is known
    assert CallEvent.objects.using("default").count() == 1
    plan.replay()
    assert plan.last_called == called


# --- Signals ----------------------------------------------------------------------------------

SIGNALS = ["pre_save", "post_save", "pre_delete", "post_delete", "post_init"]


@pytest.fixture
def heard():
    """(signal, model, update_fields) of what receivers hear."""
    received = []
    receivers = []
    for name in SIGNALS:

        def receiver(sender, name=name, **kwargs):
            received.append((name, sender.__name__))

        receivers.append(receiver)
        getattr(signals, name).connect(receiver)
    yield received
    for name, receiver in zip(SIGNALS, receivers, strict=True):
        getattr(signals, name).disconnect(receiver)


@pytest.mark.django_db
def test_signal_receivers_are_called_for_every_write(users, mount, heard):
    def hears(resource, ask, *names):
        mount(RESOURCES[resource].view)
        heard.clear()
        answer = ask(client_of(users[0]), RESOURCES[resource].row_of(users[0]).pk)
        assert answer.status_code in (200, 201, 204), answer.content
        for name in names:
            assert ("pre_save", name) in heard and ("post_save", name) in heard, name

    lead = RESOURCES["restaurants"].row_of(users[0]).pk
    call = {"lead": lead, "interaction_type": "CALL", "details": "spoke", "order": ORDER}
    hears("restaurants", lambda api, pk: api.patch(f"/x/{pk}/", {"name": "New"}), "Restaurant")
    status = {"status": "LOST"}
    hears("restaurants", lambda api, pk: api.post(f"/x/{pk}/change_status/", status), "Restaurant", "StatusChange")
    hears("restaurants", lambda api, pk: api.post("/x/", {"name": "New"}), "Restaurant")
    hears("contacts", lambda api, pk: api.patch(f"/x/{pk}/", {"name": "New"}), "Contact")
    names = ("Interaction", "OrderDetails", "CallPlan", "CallEvent")
    hears("interactions", lambda api, pk: api.post("/x/", call), *names)
    hears("interactions", lambda api, pk: api.patch(f"/x/{pk}/", {"details": "New"}), "Interaction")
    hears("interactions", lambda api, pk: api.put(f"/x/{pk}/order_details/", {**ORDER, "quantity": 9}), "OrderDetails")
    details = {"details": "spoke"}
    hears("plans", lambda api, pk: api.post(f"/x/{pk}/record_call/", details), "Interaction", "CallPlan", "CallEvent")
    hears("plans", lambda api, pk: api.post(f"/x/{pk}/record_call/", {}), "CallPlan", "CallEvent")
    hears("plans", lambda api, pk: api.post(f"/x/{pk}/skip/", {}), "CallPlan", "CallEvent")
    for name, resource in reversed(RESOURCES.items()):
        hears(name, lambda api, pk: api.delete(f"/x/{pk}/"))
        for signal in ("pre_delete", "post_delete"):
            assert (signal, resource.model.__name__) in heard


@pytest.mark.django_db
@pytest.mark.parametrize("name", RESOURCES)
def test_receivers_of_post_init_are_called_for_rows_that_are_read(name, users, mount, heard):
    resource = RESOURCES[name]
    mount(resource.view)
    row = resource.row_of(users[0])
    for path in ("", "?page_size=5", f"{row.pk}/"):
        heard.clear()
        assert client_of(users[0]).get(f"/x/{path}").status_code == 200
        assert ("post_init", resource.model.__name__) in heard, path


@pytest.mark.django_db
def test_what_a_pre_save_receiver_changes_is_saved(users):
    def receiver(instance, **kwargs):
        instance.name = instance.name.upper()

    signals.pre_save.connect(receiver, Restaurant)
    try:
        lead = Restaurant.objects.create(name="quiet")
        lead.edit(name="loud")
    finally:
        signals.pre_save.disconnect(receiver, Restaurant)
    assert Restaurant.objects.values_list("name", "search").get(pk=lead.pk) == ("LOUD", "loud")


# --- Saving and reading of one's own ----------------------------------------------------------


@pytest.mark.django_db
def test_update_fields_writes_those_and_what_depends_on_them(users):
    lead = Restaurant.objects.first()
    before = Restaurant.objects.values().get(pk=lead.pk)
    lead.name, lead.city, lead.notes = "Renamed", "Goa", "changed"
    lead.save(update_fields=["name"])
    after = Restaurant.objects.values().get(pk=lead.pk)
    assert {key for key in before if before[key] != after[key]} == {
        "name",
        "name_fold",
        "name_key",
        "search",
        "updated_at",
    }
    with CaptureQueriesContext(django.db.connection) as queries:
        lead.save(update_fields=[])
    assert len(queries) == 0


@pytest.mark.django_db
def test_an_override_of_save_refresh_from_db_and_from_db_is_called(users, mount, monkeypatch):
    called = []
    save, refresh, from_db = Restaurant.save, Restaurant.refresh_from_db, Restaurant.from_db.__func__

    def own_refresh(self, using=None, fields=None, from_queryset=None):
        assert from_queryset is None or isinstance(from_queryset, models.QuerySet)
        called.append("refresh_from_db")
        return refresh(self, using=using, fields=fields, from_queryset=from_queryset)

    def own_from_db(cls, db, names, values):
        called.append("from_db")
        return from_db(cls, db, names, values)

    lead = Restaurant.objects.first()
    mount(RESOURCES["restaurants"].view)
    api = client_of(users[0])
    api.get("/x/")
    lead.change_status("LOST")
    monkeypatch.setattr(Restaurant, "save", lambda self, *a, **k: (called.append("save"), save(self, *a, **k)))
    monkeypatch.setattr(Restaurant, "refresh_from_db", own_refresh)
    monkeypatch.setattr(Restaurant, "from_db", classmethod(own_from_db))
    for ask, names in [
        (lambda: lead.change_status("NEW"), {"save", "refresh_from_db", "from_db"}),
        (lambda: api.patch(f"/x/{lead.pk}/", {"name": "New"}), {"save", "refresh_from_db", "from_db"}),
        (lambda: api.post(f"/x/{lead.pk}/change_status/", {"status": "LOST"}), {"save", "refresh_from_db", "from_db"}),
        (lambda: api.post("/x/", {"name": "New"}), {"save"}),
        (lambda: api.get(f"/x/{lead.pk}/"), {"from_db"}),
        (lambda: api.get("/x/"), {"from_db"}),
        (lambda: api.get("/x/?page_size=1"), {"from_db"}),
    ]:
        called.clear()
        ask()
        assert set(called) == names


@pytest.mark.django_db
def test_with_another_django_version_the_accelerators_are_off(users, mount, monkeypatch):
    """Django 6.0's `_do_update` takes one argument more and answers rows."""
    stock, seen = models.Model._do_update, []

    def _do_update(self, base_qs, using, pk_val, values, update_fields, forced_update, returning_fields=()):
        seen.append(type(self).__name__)
        return stock(self, base_qs, using, pk_val, values, update_fields, forced_update)

    monkeypatch.setattr(models.Model, "_do_update", _do_update)
    monkeypatch.setattr(accelerators, "IS_TRIED", False)
    mount(RESOURCES["restaurants"].view)
    lead = Restaurant.objects.first()
    assert client_of(users[0]).patch(f"/x/{lead.pk}/", {"name": "New"}).status_code == 200
    lead.change_status("LOST")
    lead._do_update(Restaurant._base_manager.all(), "default", lead.pk, [], ["name"], True, [])
    with transaction.atomic():
        CallPlan.objects.first().record_call(dates.now())
    assert {"Restaurant", "CallPlan"} <= set(seen)
